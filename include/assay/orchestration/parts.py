"""What the supervisor imports once and its forks run: Airflow's modules, the preparation of its database, the log server.

Importing this module imports Airflow, with the environment that the supervisor has set.
"""

from __future__ import annotations

import airflow.__main__
import airflow.cli.commands.dag_processor_command
import airflow.cli.commands.scheduler_command
import airflow.cli.commands.triggerer_command
import airflow.executors.local_executor  # noqa: F401 - imported for the forks: each would spend seconds on it
from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.configuration import conf
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import select

import assay.workspace  # noqa: F401 - every task opens one

_STALE = "stale run: "
NOTE = (
    "Airflow was stopped while this run was going on, so it was marked failed when Airflow started again. "
    "What it had finished is kept: trigger it again to go on."
)


def prepare() -> None:
    """Bring Airflow's database to its newest schema, give the default pool its size, and close what an earlier life left open.

    A run that was queued or running when its Airflow was killed has nobody left to finish it: it is marked failed, with a note,
    before a scheduler could take it up again beside new work. Pending teardowns still run.
    """
    initdb()
    with create_session() as session:
        Pool.create_or_update_pool(
            Pool.DEFAULT_POOL_NAME,
            slots=conf.getint("core", "default_pool_task_slot_count"),
            description="All tasks of Assay. A measurement of this host takes every slot, so that it runs alone.",
            include_deferred=False,
            session=session,
        )
        for run in session.scalars(select(DagRun).where(DagRun.state.in_([DagRunState.QUEUED, DagRunState.RUNNING]))).all():
            known = SerializedDagModel.get(run.dag_id, session=session)
            if known is not None:
                set_dag_run_state_to_failed(dag=known.dag, run_id=run.run_id, commit=True, session=session)
            else:
                run.state = DagRunState.FAILED
            run.note = NOTE
            print(f"{_STALE}{run.dag_id} {run.run_id}", flush=True)  # noqa: T201 - its standard output is its log


def stale_runs(log: str) -> list[str]:
    """The runs that `prepare` marked failed, as `dag run`, from its log."""
    return [line.removeprefix(_STALE) for line in log.splitlines() if line.startswith(_STALE)]


def serve_logs(port: int) -> None:
    """Serve the logs of running tasks to the UI, on 127.0.0.1. Airflow's own command would listen on every interface."""
    import uvicorn

    uvicorn.run("airflow.utils.serve_logs.log_server:get_app", factory=True, host="127.0.0.1", port=port, log_config=None)
