"""The whole path by a real scheduler: killed in the middle, run, run again; nothing is lost and nothing counted twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import pytest
from assay.orchestration import leftovers
from assay.orchestration.environment import MARK, process_environment
from assay.orchestration.results import Results, collect_results
from assay.publish.git import Git
from assay.settings import Settings
from assay.workspace import open_workspace
from watched import Ended, postgres, run, scheduler

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(900)]

EXECUTIONS = 2


@dataclass(frozen=True)
class State:
    """What can be counted after a run."""

    results: Results
    sessions: list[str]
    manifests: list[str]
    commits: list[str]
    tags: list[str]


def state(settings: Settings) -> State:
    with open_workspace(settings=settings) as workspace:
        repository = settings.git_repository("default")
        git = Git(repository) if repository.is_dir() else None
        return State(
            results=collect_results(workspace),
            sessions=sorted(workspace.ledger.sessions()["session"]),
            manifests=[found.key for found in workspace.storage.list("raw/") if found.key.endswith("/manifest.json")],
            commits=git.text("log", "--format=%H").split() if git else [],
            tags=git.text("tag").split() if git else [],
        )


def nothing_left(settings: Settings) -> bool:
    return leftovers.members(settings.home) == [] and postgres(settings.home) == []


@dataclass(frozen=True)
class Story:
    """One home: a run that is killed while it measures, then two that end."""

    settings: Settings
    killed: Ended
    clean_after_kill: bool
    first: Ended
    after_first: State
    second: Ended
    after_second: State


@pytest.fixture(scope="module")
def story(make_settings: Callable[[], Settings]) -> Story:
    settings = make_settings()
    killed = run(settings, when="measure 1: running", do=lambda: scheduler(settings).kill())
    clean = nothing_left(settings)
    first = run(settings, executions=EXECUTIONS)
    after_first = state(settings)
    second = run(settings, executions=EXECUTIONS)
    return Story(settings, killed, clean, first, after_first, second, state(settings))


def test_a_killed_scheduler_ends_the_run_with_a_message_and_leaves_no_process(story: Story) -> None:
    assert story.killed.report is None
    assert "scheduler ended (killed by signal 9)" in story.killed.error
    assert "run the same command again" in story.killed.error
    assert story.clean_after_kill


def test_the_run_after_it_says_what_was_cut_short_and_succeeds(story: Story) -> None:
    assert "marked failed: benchmark_instances" in story.first.output
    assert story.first.report is not None
    assert story.first.report.succeeded, story.first.output


def test_every_task_is_shown_as_it_ends(story: Story) -> None:
    tasks = (
        *("benchmark_instances.plan_sessions", "benchmark_instances.measure 1", "benchmark_instances.hand_over"),
        *("process_sessions.verify", "process_sessions.read", "process_sessions.check"),
        *("process_sessions.summarize", "process_sessions.compact"),
        *("publish_snapshot.build", "publish_snapshot.approve", "publish_snapshot.commit", "publish_snapshot.read_back"),
        "publish_snapshot.archive",
    )
    for ended in (story.first, story.second):
        for task in tasks:
            assert f"{task}: done in" in ended.output


def test_n_counts_every_execution_once(story: Story) -> None:
    for found, n in ((story.after_first, EXECUTIONS), (story.after_second, 2 * EXECUTIONS)):
        assert {figure.n for figure in found.results.figures} == {n}
        assert {figure.name for figure in found.results.figures} == {"STREAM triad", "STREAM copy", "LU solve", "memory latency"}


def test_the_accounting_closes_and_the_ledger_agrees_with_raw_storage(story: Story) -> None:
    for found, count in ((story.after_first, 1), (story.after_second, 2)):
        accounting = found.results.accounting
        assert accounting.read == accounting.accepted + accounting.quarantined + accounting.rejected == count
        assert accounting.pending == 0
        assert [key.split("/")[-2] for key in found.manifests] == found.sessions
    assert set(story.after_first.sessions) < set(story.after_second.sessions)


def test_every_run_publishes_one_snapshot(story: Story) -> None:
    assert len(story.after_first.commits) == len(story.after_first.tags) == 1
    assert story.after_second.commits[1:] == story.after_first.commits, "a published snapshot stays as it is"
    assert len(story.after_second.commits) == len(set(story.after_second.tags)) == 2
    assert story.after_second.results.commit == story.after_second.commits[0]


def test_the_end_of_a_run_tells_the_numbers_and_where_they_are(story: Story) -> None:
    end = story.second.output.split("stopped")[-1]
    for part in (
        *("STREAM triad", "STREAM copy", "LU solve", "memory latency", "4 in 2"),
        *("2 read = 2 accepted + 0 quarantined + 0 rejected", "make up"),
        *(story.after_second.results.snapshot, story.after_second.commits[0][:12], str(story.settings.home / "dataset.git")),
    ):
        assert part in end


def test_nothing_runs_any_more(story: Story) -> None:
    assert nothing_left(story.settings)


@pytest.mark.full
@pytest.mark.parametrize(
    "when",
    [
        "benchmark_instances.measure 2: running",
        "benchmark_instances.hand_over: done",
        "process_sessions.verify: done",
        "process_sessions.read: done",
        "process_sessions.check: done",
        "process_sessions.summarize: done",
        "process_sessions.compact: done",
        "publish_snapshot.build: done",
        "publish_snapshot.commit: done",
        "publish_snapshot.read_back: done",
    ],
)
def test_killed_anywhere_and_run_again_nothing_is_lost_or_doubled(make_settings: Callable[[], Settings], when: str) -> None:
    settings = make_settings()
    killed = run(settings, sessions=2, executions=1, when=when, do=lambda: scheduler(settings).kill())
    assert "scheduler ended (killed by signal 9)" in killed.error
    assert nothing_left(settings)
    kept = state(settings)
    assert len(kept.manifests) == (1 if "measure" in when else 2), "what was measured is kept"

    again = run(settings, sessions=1, executions=1)
    assert again.report is not None
    assert again.report.succeeded, again.output
    found = state(settings)
    sessions = len(kept.manifests) + 1
    assert set(kept.manifests) < set(found.manifests)
    assert len(found.manifests) == len(found.sessions) == found.results.accounting.accepted == sessions
    assert {figure.n for figure in found.results.figures} == {sessions}
    assert len(found.commits) == len(set(found.tags)) == len(kept.commits) + 1
    assert found.results.commit == found.commits[0]


@pytest.mark.full
def test_the_database_dies_in_the_middle_and_a_rerun_ends_well(make_settings: Callable[[], Settings]) -> None:
    settings = make_settings()

    def kill_postgres() -> None:
        for process in postgres(settings.home):
            process.kill()

    killed = run(settings, executions=1, when="measure 1: running", do=kill_postgres)
    assert killed.error, killed.output
    assert nothing_left(settings)
    again = run(settings, executions=1)
    assert again.report is not None
    assert again.report.succeeded, again.output
    assert {figure.n for figure in state(settings).results.figures} == {len(state(settings).sessions)}


@pytest.mark.full
def test_a_session_that_fails_holds_back_neither_the_others_nor_the_snapshot(make_settings: Callable[[], Settings]) -> None:
    settings = make_settings()

    def kill_agent() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for process in leftovers.members(settings.home):
                with contextlib.suppress(psutil.Error):
                    if any(word.endswith("agent.pyz") for word in process.cmdline()):
                        process.kill()
                        return
            time.sleep(0.05)

    ended = run(settings, sessions=2, executions=1, when="measure 2: running", do=kill_agent)
    assert ended.report is not None
    assert not ended.report.succeeded
    assert "benchmark_instances failed in measure" in ended.error
    assert "the agent ended with exit code -9" in ended.output, "the end of the log is shown"
    found = state(settings)
    assert len(found.manifests) == found.results.accounting.accepted == 1
    assert len(found.commits) == 1


@pytest.mark.full
def test_ctrl_c_while_measuring_leaves_nothing_and_a_rerun_ends_well(make_settings: Callable[[], Settings]) -> None:
    settings = make_settings()
    environment = process_environment(os.environ, settings)
    del environment[MARK]
    command = [sys.executable, "-m", "assay.cli", "run", "--sessions", "1", "--executions", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "measure 1: running" in line:
                process.send_signal(signal.SIGINT)
                break
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert nothing_left(settings)
    again = run(settings, executions=1)
    assert again.report is not None
    assert again.report.succeeded, again.output
