"""
### Benchmark instances

Measures machines. For now: **this host**, that is the machine that Airflow's workers run on.

Each session runs the whole suite (memory bandwidth, LU solve, memory latency, clock, vector units), several times each. Sessions
are measured one after the other, and nothing else of ours runs meanwhile: a measuring task takes every slot of the pool. When all
are done, the DAG says that there are new sessions, and `process_sessions` starts by itself.

**To start it**: Trigger, choose how many sessions and how many executions of every tool in a session, Trigger again.

| when it fails | look at |
|---|---|
| `plan_sessions` | the two numbers in the form |
| `measure` | its log: no space, no database, no permission? A tool that fails does not fail the task: it is recorded |
| `measure` waits | something else of ours is running: a measurement starts when all of `default_pool` is free |
| `every_session_measured` | the `measure` task that failed; the other sessions were handed over all the same |

Trigger it again at any time: sessions that were finished are kept, and new ones are added.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, TriggerRule, dag, task
from assay.orchestration.assets import SESSIONS
from assay.orchestration.policy import TASKS, WHOLE_POOL
from assay.settings import Settings

settings = Settings()


@dag(
    doc_md=__doc__,
    schedule=None,
    tags=["assay", "collect"],
    default_args=TASKS,
    max_active_runs=1,
    params={
        "sessions": Param(
            settings.host_sessions,
            type="integer",
            minimum=1,
            maximum=100,
            title="Sessions",
            description="How often this host is measured from start to end. About half a minute each with two executions.",
        ),
        "executions": Param(
            settings.host_executions,
            type="integer",
            minimum=1,
            maximum=100,
            title="Executions",
            description="How often every tool runs within a session. The published n is sessions times executions.",
        ),
    },
)
def benchmark_instances():
    @task
    def plan_sessions(params: dict) -> list[int]:
        """One number for each session that is to be measured."""
        return list(range(1, params["sessions"] + 1))

    @task(
        pool_slots=WHOLE_POOL,
        map_index_template="{{ number }}",
        execution_timeout=timedelta(hours=2),
        doc_md="Measures one session on this host, alone, and stores it; gives the session's id.",
    )
    def measure(number: int, params: dict) -> str:
        from assay.orchestration.tasks import measure_session

        return measure_session(number, executions=params["executions"])

    @task(outlets=[SESSIONS], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def hand_over() -> None:
        """Tells Airflow that there are new sessions, which starts process_sessions."""

    measured = measure.expand(number=plan_sessions())
    complete = EmptyOperator(
        task_id="every_session_measured",
        trigger_rule=TriggerRule.NONE_FAILED,
        doc_md="Keeps the run red if a session is missing, although the others were handed over.",
    )
    measured >> [hand_over(), complete]


benchmark_instances()
