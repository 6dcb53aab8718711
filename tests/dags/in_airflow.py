"""What the DAG tests do inside Airflow, as a program of its own: importing Airflow changes logging, signals and the event loop of
the process that does it, and it must find its database in the environment first.

    structure                     the DAGs as JSON
    run '[["dag id", {conf}],…]'  run DAGs one after the other by dag.test(); a JSON list of what became of them
    served '["/path",…]'          the status of each path of the API server, asked without a login and with one
    arrived 'session id'          the runs of ingest_recordings after the API server was told of a session, twice
    refuse                        what a task raises for each error of ours, as JSON

The last line of standard output is the answer; what stands before it are the logs.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any


def structure(folder: Path) -> dict[str, Any]:
    from assay.orchestration.document import load_dags

    return {
        dag.dag_id: {
            "doc": dag.doc_md,
            "title": dag.dag_display_name,
            "tags": sorted(dag.tags),
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "schedule": getattr(dag.schedule, "name", dag.schedule),
            "timeout": dag.dagrun_timeout is not None,
            "params": {name: dag.params.get_param(name).schema | {"default": dag.params[name]} for name in dag.params},
            "tasks": {
                task.task_id: {
                    "after": sorted(task.upstream_task_ids),
                    "rule": task.trigger_rule.value,
                    "owner": task.owner,
                    "doc": task.doc_md,
                    "retries": task.retries,
                    "backoff": task.retry_exponential_backoff,
                    "slots": task.pool_slots,
                    "pool": task.pool,
                    "inlets": [asset.name for asset in task.inlets],
                    "outlets": [asset.name for asset in task.outlets],
                    "mapped": task.is_mapped,
                }
                for task in dag.tasks
            },
        }
        for dag in load_dags(folder)
    }


def run(folder: Path, wanted: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    from airflow.models.pool import Pool
    from airflow.sdk import conf
    from airflow.utils.db import initdb
    from assay.orchestration.document import load_dags

    initdb()
    assert Pool.get_pool(Pool.DEFAULT_POOL_NAME).slots == conf.getint("core", "default_pool_task_slot_count")
    dags = {dag.dag_id: dag for dag in load_dags(folder)}
    found = []
    for name, run_conf in wanted:
        try:
            ended = dags[name].test(run_conf=run_conf)
        except Exception as error:  # noqa: BLE001 - whatever refused it is the answer
            found.append({"state": "refused", "error": f"{type(error).__name__}: {error}", "tasks": []})
            continue
        tasks = sorted(ended.get_task_instances(), key=lambda ti: (ti.task_id, ti.map_index))
        found.append(
            {
                "state": str(ended.state),
                "tasks": [[ti.task_id, ti.map_index, str(ti.state), ti.try_number] for ti in tasks],
            }
        )
    return found


def served(paths: list[str]) -> dict[str, list[int]]:
    passwords = Path(os.environ["AIRFLOW_HOME"]) / "passwords.json"
    passwords.write_text('{"somebody": "a password"}')
    # The local stack lets everybody in as administrator, which would hide a missing login.
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] = "False"
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = "somebody:viewer"
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] = str(passwords)
    from airflow.api_fastapi.app import create_app
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    initdb()
    with TestClient(create_app(apps="all")) as client:
        token = client.post("/auth/token", json={"username": "somebody", "password": "a password"}).json()["access_token"]
        client.cookies.clear()
        login = {"Authorization": f"Bearer {token}"}
        return {path: [client.get(path).status_code, client.get(path, headers=login).status_code] for path in paths}


def arrived(folder: Path, session: str) -> list[list[Any]]:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models.dagrun import DagRun
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from assay.database.uploads import Upload
    from assay.database.words import UploadState
    from assay.orchestration.arrived import INGEST_DAG, start_ingestion

    initdb()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(dag_folder=folder / f"{INGEST_DAG}.py"), "dags-folder", None)
    for _ in range(2):
        start_ingestion(Upload(session, "a-lab", "recordings", "raw/", "", "", UploadState.COMPLETE))
    with create_session() as opened:
        return [[run.run_id, run.state, run.conf] for run in opened.query(DagRun).filter(DagRun.dag_id == INGEST_DAG)]


def refuse() -> dict[str, list[str]]:
    from assay import errors
    from assay.orchestration.work import run_step

    answers = {}
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.AssayError):

            def step(_: object, kind: type[Exception] = kind) -> None:
                raise kind("what was found, what to do")

            try:
                run_step(step)
            except Exception as raised:  # noqa: BLE001 - what is raised is the answer
                answers[name] = [type(raised).__name__, str(raised)]
    return answers


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "structure":
        answer: Any = structure(folder)
    elif what == "run":
        answer = run(folder, json.loads(sys.argv[3]))
    elif what == "served":
        answer = served(json.loads(sys.argv[3]))
    elif what == "arrived":
        answer = arrived(folder, sys.argv[3])
    else:
        answer = refuse()
    print("\n" + json.dumps(answer))


if __name__ == "__main__":
    main()
