"""Recordings through the DAGs, in a real Airflow: entered, judged, and handed on once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow_program import InAirflow
from assay.settings import Settings, project_root
from assay.workspace import Workspace
from made_labs import FOLDER, LAB, ship, write_folder

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]


def test_a_recording_is_entered_judged_and_handed_on_once(
    in_airflow: InAirflow, settings: Settings, workspace: Workspace, tmp_path: Path
) -> None:
    told = ship(workspace, write_folder(tmp_path))
    ship(workspace, write_folder(tmp_path, "20210229_161221"))
    workspace.storage.write("raw/recording/2024/03/01/foreign/x.bin", b"nobody knows where from")
    wanted: list[tuple[str, dict[str, str]]] = [
        ("ingest_recordings", {"session": told.session}),
        ("ingest_recordings", {}),
        ("process_sessions", {}),
        ("ingest_recordings", {}),
        ("reconcile", {}),
    ]
    answer = in_airflow(settings, "run", json.dumps(wanted))
    one, swept, processed, nothing, reconciled = answer.value
    assert one["tasks"] == swept["tasks"] == [["register", -1, "success", 1]], answer.log[-6000:]
    assert processed["state"] == "success", answer.log[-6000:]
    assert nothing["tasks"] == [["register", -1, "skipped", 1]]
    assert [task[:3] for task in reconciled["tasks"]] == [["compare", -1, "success"], ["nothing_differs", -1, "failed"]]
    assert "1 things differ between storage and database: extra: " in answer.log
    sessions = workspace.of_dataset(LAB.dataset).ledger.sessions()
    assert dict(zip((labels["folder"] for labels in sessions["labels"]), sessions["verdict"], strict=True)) == {
        FOLDER: "accepted with warnings",
        "20210229_161221": "quarantined",
    }
    findings = workspace.of_dataset(LAB.dataset).ledger.findings([told.session])
    assert findings["rule"].tolist() == ["preprocess.unknown-format"], "no processor knows its data; they are kept as they are"


def test_where_a_queue_is_configured_the_dag_watches_it(tmp_path: Path) -> None:
    show = (
        "import runpy\n"
        f"dag = runpy.run_path({str(project_root() / 'dags' / 'ingest_recordings.py')!r})['ingest_recordings']()\n"
        "[watcher] = dag.schedule.asset_condition.objects[0].watchers\n"
        "print(watcher.trigger)\n"
    )
    queue = "https://sqs.us-east-1.amazonaws.com/123456789012/manifests"
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "ASSAY_RECORDING_QUEUE": queue}
    done = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"SqsSensorTrigger sqs_queue={queue}" in done.stdout.splitlines()[-1]
