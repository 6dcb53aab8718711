"""Each DAG from end to end by dag.test(): this host is measured for real, with tiny budgets."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time

import psutil
import pytest
from airflow_program import InAirflow
from assay.orchestration.results import collect_results
from assay.publish.git import Git
from assay.publish.snapshot import publish_snapshot as publish
from assay.settings import Settings
from assay.workspace import Workspace
from dataset_content import Series, simple
from dataset_ledger import fill
from told_operator import mail_server, watched_topic

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]


def dag_runs(*wanted: tuple[str, dict[str, object]]) -> tuple[str, str]:
    return "run", json.dumps(wanted)


@pytest.mark.full  # the same path runs by a real scheduler in e2e/test_pipeline.py
def test_the_path_from_measurement_to_snapshot(in_airflow: InAirflow, small: Settings, workspace: Workspace) -> None:
    answer = in_airflow(
        small,
        *dag_runs(
            ("benchmark_instances", {"sessions": 3, "executions": 1}),
            ("process_sessions", {}),
            ("publish_snapshot", {}),
            ("process_sessions", {}),
            ("publish_snapshot", {}),
        ),
    )
    measured, _, _, _, unchanged = answer.value
    assert [run["state"] for run in answer.value] == ["success"] * 5, answer.log[-6000:]
    assert [task for task in measured["tasks"] if task[0] == "measure"] == [["measure", n, "success", 1] for n in range(3)]
    assert ["read_back", -1, "skipped", 1] in unchanged["tasks"], "nothing new: nothing is published, and the run says so"

    results = collect_results(workspace)
    assert (results.accounting.read, results.accounting.accepted, results.accounting.pending) == (3, 3, 0)
    assert {figure.name for figure in results.figures} == {"STREAM triad", "STREAM copy", "LU solve", "memory latency"}
    assert {(figure.n, figure.sessions) for figure in results.figures} == {(3, 3)}
    repository = Git(small.git_repository("default"))
    assert results.commit == repository.text("rev-parse", "HEAD")
    assert len(repository.text("log", "--format=%s").splitlines()) == 1

    for session in workspace.ledger.sessions()["session"]:
        assert f"session {session}: stored" in answer.log
        assert answer.log.count(f"session {session}: read") == 1, "a session that is done is not done twice"


@pytest.mark.full
def test_a_session_that_fails_does_not_hold_back_the_others(in_airflow: InAirflow, small: Settings, workspace: Workspace) -> None:
    def kill_the_second_agent(process: subprocess.Popen[str]) -> None:
        threading.Thread(target=_kill_second_agent, args=(process,), daemon=True).start()

    answer = in_airflow(small, *dag_runs(("benchmark_instances", {"sessions": 3, "executions": 1})), watch=kill_the_second_agent)
    (measured,) = answer.value
    states = {(task, index): state for task, index, state, _ in measured["tasks"]}
    assert sorted(states["measure", index] for index in range(3)) == ["failed", "success", "success"]
    assert states["hand_over", -1] == "success"
    assert states["every_session_measured", -1] == "upstream_failed"
    assert measured["state"] == "failed"
    assert "the agent ended with exit code -9" in answer.log
    assert len(workspace.ledger.sessions()) == 2


def test_a_form_with_impossible_numbers_starts_nothing(in_airflow: InAirflow, small: Settings, workspace: Workspace) -> None:
    answer = in_airflow(small, *dag_runs(("benchmark_instances", {"sessions": 0}), ("benchmark_instances", {"executions": "x"})))
    assert [run["state"] for run in answer.value] == ["refused", "refused"]
    assert all("Param" in run["error"] for run in answer.value)


@pytest.mark.full
def test_on_an_empty_dataset_there_is_nothing_to_do_and_that_is_no_failure(in_airflow: InAirflow, small: Settings) -> None:
    answer = in_airflow(small, *dag_runs(("process_sessions", {}), ("publish_snapshot", {})))
    processed, published = answer.value
    assert processed["state"] == published["state"] == "success"
    assert {state for _, _, state, _ in published["tasks"]} == {"skipped"}


@pytest.mark.full
def test_a_run_that_accepts_changes_publishes_without_waiting_and_the_ledger_says_what(
    in_airflow: InAirflow, small: Settings, workspace: Workspace
) -> None:
    def moved(level: float, sessions: int) -> list[Series]:
        return [simple("m7i.large", "hpl", "gflops", "GFLOPS", level, sessions)]

    fill(workspace, moved(40.0, 3))
    publish(workspace)
    fill(workspace, moved(90.0, 12))
    answer = in_airflow(small, *dag_runs(("publish_snapshot", {"accept_changes": True})))
    states = {task: state for task, _, state, _ in answer.value[0]["tasks"]}
    assert (states["approve"], states["read_back"], states["notify"]) == ("success", "success", "skipped"), answer.log[-6000:]
    approval = workspace.ledger.approvals().iloc[0]
    assert (approval["answer"], approval["who"]) == ("approved", "dag_test"), "Airflow's name for who triggered the run"
    assert "1 value moved beyond noise since 2024-11-20: m7i.large hpl.gflops: 40 -> " in approval["why"]
    assert collect_results(workspace).accepted == approval["why"]
    assert "\nApproved-by: dag_test" in Git(small.git_repository("default")).text("log", "-1", "--format=%B")


@pytest.mark.full
def test_the_operator_is_told_by_topic_and_by_mail_of_a_task_that_failed_for_good(
    in_airflow: InAirflow, small: Settings, workspace: Workspace, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, queue = watched_topic("alarms")
    fill(workspace, [simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0)])
    snapshot = publish(workspace)
    git = Git(small.git_repository("default"))
    git.run("update-ref", f"refs/tags/{snapshot.name}", git.text("commit-tree", "HEAD^{tree}", "-m", "somebody else"))
    with mail_server() as (port, mails):
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": {"disable_ssl": True, "disable_tls": True}}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        told = {"alarm_sns_topic": topic, "alarm_mail": "operator@example.org", "alarm_mail_from": "assay@example.org"}
        answer = in_airflow(small.model_copy(update=told), *dag_runs(("publish_snapshot", {})))
    assert answer.value[0]["state"] == "failed"
    subject, reason = "Assay: publish_snapshot.commit failed", f"is commit {snapshot.commit}, not "
    (message,) = queue.receive_messages(MaxNumberOfMessages=10)
    envelope = json.loads(message.body)
    assert envelope["Subject"] == subject, answer.log[-4000:]
    assert reason in envelope["Message"]
    (mail,) = mails
    assert (mail["Subject"], mail["To"], mail["From"]) == (subject, "operator@example.org", "assay@example.org")
    assert reason in " ".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")


def test_only_what_may_pass_is_tried_again(in_airflow: InAirflow, small: Settings) -> None:
    answers = in_airflow(small, "refuse").value
    passing = {name for name, (raised, _) in answers.items() if raised != "AirflowFailException"}
    told = {"AwsUnavailable", "StorageError", "DatabaseUnavailable", "NotificationFailed", "PricesUnavailable", "ProcessorDied"}
    assert passing == told
    assert all(said == "what was found, what to do" for _, said in answers.values())


def _kill_second_agent(process: subprocess.Popen[str]) -> None:
    """The first agent may work; the one that comes after it is killed as soon as it runs."""
    first: int | None = None
    while process.poll() is None:
        for agent in _agents(process.pid):
            first = first or agent.pid
            if agent.pid != first:
                agent.kill()
                return
        time.sleep(0.05)


def _agents(pid: int) -> list[psutil.Process]:
    """The agents that a process started, without the programs that they start."""
    found = []
    for process in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):
            if any(part.endswith("agent.pyz") for part in process.cmdline()):
                found.append(process)
    return found
