"""The DAGs as an operator and a scheduler see them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from assay.orchestration.environment import SLOTS
from assay.orchestration.stack import DAGS as AWAITED
from assay.settings import Settings, project_root

IDS = (
    "benchmark_instances",
    "ingest_recordings",
    "process_sessions",
    "publish_snapshot",
    "reap_instances",
    "reconcile",
    "refresh_prices",
)
HEAVY = {"pandas", "numpy", "great_expectations", "boto3", "botocore", "scipy", "duckdb", "pyarrow", "obstore", "assay.workspace"}


def test_every_file_parses_and_these_are_the_dags(dags: dict[str, Any]) -> None:
    assert set(dags) == set(IDS) == set(AWAITED)


@pytest.mark.parametrize("dag", IDS)
def test_the_page_of_a_dag_says_where_to_look_when_a_task_fails(dags: dict[str, Any], dag: str) -> None:
    doc = dags[dag]["doc"]
    assert doc.lstrip().startswith("### ")
    assert "| when it fails | look at |" in doc
    for task in dags[dag]["tasks"]:
        assert f"| `{task}`" in doc or task.startswith("hand_over"), f"{task} is not in the table"


@pytest.mark.parametrize("dag", IDS)
def test_every_task_says_what_it_does(dags: dict[str, Any], dag: str) -> None:
    assert [name for name, task in dags[dag]["tasks"].items() if not task["doc"]] == []


@pytest.mark.parametrize("dag", IDS)
def test_no_more_runs_at_a_time_than_are_good_without_catching_up_and_without_a_timeout_that_skips_teardown(
    dags: dict[str, Any], dag: str
) -> None:
    # Entering recordings takes seconds and may be done twice: who comes in a burst need not wait.
    assert dags[dag]["max_active_runs"] == (4 if dag == "ingest_recordings" else 1)
    assert dags[dag]["catchup"] is False
    assert dags[dag]["timeout"] is False
    assert "assay" in dags[dag]["tags"]
    assert dags[dag]["title"] == dag, "one name for one thing, in the UI, on the command line and in the documents"


@pytest.mark.parametrize("dag", IDS)
def test_every_task_is_retried_with_growing_pauses(dags: dict[str, Any], dag: str) -> None:
    for task in dags[dag]["tasks"].values():
        assert task["owner"] == "assay"
        assert task["retries"] >= 2
        assert task["backoff"] == 2.0


def test_the_assets_join_the_dags(dags: dict[str, Any]) -> None:
    assert dags["benchmark_instances"]["tasks"]["hand_over"]["outlets"] == ["sessions"]
    assert dags["process_sessions"]["schedule"] == "sessions"
    assert dags["ingest_recordings"]["tasks"]["register"]["outlets"] == ["sessions"]
    assert dags["ingest_recordings"]["schedule"] == "17 * * * *"
    assert dags["process_sessions"]["tasks"]["summarize"]["outlets"] == ["statistics"]
    assert dags["publish_snapshot"]["tasks"]["build"]["inlets"] == ["statistics"]
    assert dags["publish_snapshot"]["schedule"] == "0 6 * * *"
    assert dags["benchmark_instances"]["schedule"] is None


def test_nothing_is_committed_before_it_was_asked_about_and_the_form_can_answer(dags: dict[str, Any]) -> None:
    tasks = dags["publish_snapshot"]["tasks"]
    assert tasks["approve"]["after"] == ["build"]
    assert tasks["commit"]["after"] == ["approve", "build"]
    assert tasks["notify"] | {"after": ["read_back"], "rule": "none_failed"} == tasks["notify"], "what failed is told again"
    parameter = dags["publish_snapshot"]["params"]["accept_changes"]
    assert (parameter["type"], parameter["default"]) == ("boolean", False)


def test_a_measurement_takes_every_slot_and_everything_else_shares_the_pool(dags: dict[str, Any]) -> None:
    tasks = {(dag, name): task for dag, body in dags.items() for name, task in body["tasks"].items()}
    assert {task["pool"] for task in tasks.values()} == {"default_pool"}
    assert tasks.pop(("benchmark_instances", "measure"))["slots"] == SLOTS
    assert {task["slots"] for task in tasks.values()} == {1}


def test_sessions_are_handed_over_although_one_failed_and_the_run_is_red_all_the_same(dags: dict[str, Any]) -> None:
    tasks = dags["benchmark_instances"]["tasks"]
    for name, after in (("hand_over", "measure"), ("hand_over_machines", "machine.store")):
        assert tasks[name] | {"after": [after], "rule": "all_done_min_one_success"} == tasks[name]
        assert tasks[name]["outlets"] == ["sessions"]
    after = ["machine.store", "measure"]
    assert tasks["every_session_measured"] | {"after": after, "rule": "none_failed"} == tasks["every_session_measured"]


def test_a_machine_is_ended_whatever_became_of_its_session(dags: dict[str, Any]) -> None:
    tasks = dags["benchmark_instances"]["tasks"]
    assert tasks["machine.terminate"]["rule"] == "all_done_setup_success", "a teardown of the launch"
    assert {"machine.launch", "machine.wait_for_manifest"} <= set(tasks["machine.terminate"]["after"])
    assert "machine.store" not in tasks["machine.terminate"]["after"], "it does not live while its upload is checked"
    assert dags["benchmark_instances"]["params"]["dry_run"]["default"] is True
    assert dags["benchmark_instances"]["params"]["target"]["default"] == "this host"
    assert dags["reap_instances"]["schedule"] == "@hourly"


def test_the_form_has_the_settings_as_defaults_and_bounds(dags: dict[str, Any]) -> None:
    fields = Settings.model_fields
    for name in ("sessions", "executions"):
        parameter = dags["benchmark_instances"]["params"][name]
        assert parameter["default"] == fields[f"host_{name}"].default
        assert (parameter["type"], parameter["minimum"], parameter["maximum"]) == ("integer", 1, 100)


def test_parsing_the_dag_files_imports_nothing_heavy(tmp_path: Path) -> None:
    parse = (
        "import runpy, sys\n"
        f"for name in {IDS!r}:\n    runpy.run_path({str(project_root() / 'dags')!r} + f'/{{name}}.py')\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", parse], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_docs_dags_md_is_what_the_dags_say() -> None:
    done = subprocess.run([sys.executable, "-m", "assay.orchestration.document"], capture_output=True, text=True, check=True)
    assert (project_root() / "docs" / "dags.md").read_text(encoding="utf-8") == done.stdout, "run `make docs`"
