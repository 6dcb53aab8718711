"""What the plugin mounts into the Airflow API server."""

from __future__ import annotations

import json
import subprocess
import sys

from airflow_program import InAirflow
from assay.settings import Settings, project_root


def test_the_api_the_pages_and_the_explorer_are_mounted_behind_the_login_of_airflow(
    in_airflow: InAirflow, settings: Settings
) -> None:
    paths = [
        "/assay/v1/health",
        "/assay/v1/sessions",
        "/assay/v1/latest",
        "/assay/v1/latest/metadata.json",
        "/assay/v1/statistics",
        "/assay-quarantine/",
        "/assay-quarantine/rules",
        "/assay-sessions/",
        "/assay-sessions/?q=fatigue%3E%3D3",
        "/assay-sessions/preview?dataset=x&session=s&key=y",
        "/assay-explorer/",
        "/assay-recordings/v1/health",
        "/assay-recordings/v1/sessions/20240229T151221Z-3fa9c24be01d",
    ]
    answered = in_airflow(settings, "served", json.dumps(paths)).value
    assert answered == {
        "/assay/v1/health": [401, 200],
        "/assay/v1/sessions": [401, 200],
        "/assay/v1/latest": [401, 404],
        "/assay/v1/latest/metadata.json": [401, 404],
        "/assay/v1/statistics": [401, 404],
        "/assay-quarantine/": [401, 200],
        "/assay-quarantine/rules": [401, 200],
        "/assay-sessions/": [401, 200],
        "/assay-sessions/?q=fatigue%3E%3D3": [401, 200],
        "/assay-sessions/preview?dataset=x&session=s&key=y": [401, 404],
        "/assay-explorer/": [401, 404],  # nothing is published yet
        "/assay-recordings/v1/health": [200, 200],
        "/assay-recordings/v1/sessions/20240229T151221Z-3fa9c24be01d": [401, 401],  # it has keys of its own
    }


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    program = "import sys, assay_plugin; print([name for name in ('pandas', 'pyarrow', 'sqlalchemy.orm') if name in sys.modules])"
    before = "import sys, airflow.plugins_manager; "
    folder = str(project_root() / "plugins")
    done = [
        subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()[
            -1
        ]
        for text in (before + program.replace(", assay_plugin", ""), before + program)
    ]
    assert done[0] == done[1]


def test_a_recording_that_is_complete_starts_one_run(in_airflow: InAirflow, settings: Settings) -> None:
    session = "20240229T151221Z-3fa9c24be01d"
    runs = in_airflow(settings, "arrived", session).value
    assert runs == [[f"arrived__{session}", "queued", {"session": session}]]
