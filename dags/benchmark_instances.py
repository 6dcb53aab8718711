"""
### Benchmark instances

Measures machines: **this host**, that is the machine that Airflow's workers run on, or machines on **EC2**, by family.

**On this host** each session runs the whole suite (memory bandwidth, LU solve, memory latency, clock, vector units), several
times each. Sessions are measured one after the other, and nothing else of ours runs meanwhile: a measuring task takes every slot
of the pool. To start it: Trigger, choose how many sessions and how many executions of every tool in a session, Trigger again.

**On EC2** each machine measures one session, uploads it and is gone. Choose EC2 as the target and name families, types or
patterns; the first time leave `dry_run` as it is: the log of `plan_fleet` then shows which machines would be started, where, for
how long and for how much, and nothing is started. Limits on dollars, machines and hours stop a run before it starts. A machine
switches itself off at the end of its life whatever happens here, and `reap_instances` looks every hour. `docs/fleet.md` tells it
all.

When all are done, the DAG says that there are new sessions, and `process_sessions` starts by itself.

| when it fails | look at |
|---|---|
| `plan_sessions` | the two numbers in the form |
| `measure` | its log: no space, no database, no permission? A tool that fails does not fail the task: it is recorded |
| `measure` waits | something else of ours is running: a measurement starts when all of `default_pool` is free |
| `plan_fleet` | its log: the plan is shown first, then what stops it |
| `machine.launch` | its log names the class and EC2's code; the other machines go on |
| `machine.wait_for_manifest` | its log: what the machine reported last; `boot.log` lies in its inbox in storage |
| `machine.store` | its log: what the machine uploaded is not what it was started for, or not what its manifest says |
| `machine.terminate` | its log: EC2 cannot be asked (`assay reap` ends the machine later), or the run was ended too early |
| `every_session_measured` | the `measure` or `machine` task that failed; the other sessions were handed over all the same |

Trigger it again at any time: sessions that were finished are kept, and new ones are added. Clear a failed `machine`, with what is
before and after it in its group, to start it again.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, TriggerRule, dag, task, task_group
from assay.orchestration.assets import SESSIONS
from assay.orchestration.machines import LaunchMachine, WaitForManifest
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
            description="How often this host is measured from start to end. Less than a minute each with two executions.",
        ),
        "executions": Param(
            settings.host_executions,
            type="integer",
            minimum=1,
            maximum=100,
            title="Executions",
            description="How often every tool runs within a session. The published n is sessions times executions.",
        ),
        "target": Param(
            "this host",
            type="string",
            enum=["this host", "EC2"],
            title="Target",
            description="What is measured: the machine that Airflow's workers run on, or machines on EC2 as the fields below say",
        ),
        "types": Param(
            None,
            type=["null", "string"],  # the form lets nobody trigger a run on this host while a text that it needs is empty
            maxLength=2000,
            title="EC2: types",
            description="Families (m7i), types (c7g.large) or patterns (r7*.large), with spaces or commas between.",
        ),
        "dry_run": Param(True, type="boolean", title="EC2: dry run", description="Show the plan with its cost, start nothing."),
        "market": Param(
            settings.fleet_market,
            type="string",
            enum=["spot", "on-demand"],
            title="EC2: market",
            description="How machines are paid for; spot falls back to on-demand where there is no spot capacity.",
        ),
        "machines": Param(
            1,
            type="integer",
            minimum=1,
            maximum=20,
            title="EC2: machines of each type",
            description="Each measures one session.",
        ),
        "ec2_executions": Param(
            settings.fleet_executions,
            type="integer",
            minimum=1,
            maximum=100,
            title="EC2: executions",
            description="How often every tool runs within a session on EC2, at least; it runs on until its interval is narrow.",
        ),
        "max_dollars": Param(
            settings.fleet_max_dollars,
            type="number",
            minimum=0,
            maximum=settings.fleet_max_dollars,
            title="EC2: dollars at most",
            description="USD that the run may cost at most; a plan that could cost more is not started.",
        ),
        "max_instances": Param(
            settings.fleet_max_instances,
            type="integer",
            minimum=0,
            maximum=settings.fleet_max_instances,
            title="EC2: machines at most",
            description="A plan with more machines is not started.",
        ),
    },
)
def benchmark_instances():
    @task
    def plan_sessions(params: dict) -> list[int]:
        """One number for each session that is to be measured on this host."""
        return list(range(1, params["sessions"] + 1)) if params["target"] == "this host" else []

    @task(
        pool_slots=WHOLE_POOL,
        map_index_template="{{ number }}",
        execution_timeout=timedelta(hours=2),
        doc_md="Measures one session on this host, alone, and stores it; gives the session's id.",
    )
    def measure(number: int, params: dict) -> str:
        from assay.orchestration.tasks import measure_session

        return measure_session(number, executions=params["executions"])

    @task(execution_timeout=timedelta(minutes=15))
    def plan_fleet(params: dict, run_id: str, dag: object) -> list[dict]:
        """Shows which machines on EC2 would be started and what they may cost; gives one order each, none in a dry run."""
        from assay.orchestration.fleet import plan_run

        return plan_run(params, run_id, dag.dag_id)

    @task_group
    def machine(order: dict):
        """One machine on EC2, from its start to its end."""

        @task(doc_md="Checks what the machine uploaded, stores it as a session and registers it; gives the session's id.")
        def store(launched: dict) -> str:
            from assay.orchestration.fleet import store_upload

            return store_upload(launched)

        @task(
            retries=5,
            doc_md="Ends every machine of this name, whatever became of its session; gives their ids. "
            "**Failed** after that, where the run was ended while the machine was still measuring.",
        )
        def terminate(order: dict, ti=None) -> list[str]:
            from assay.orchestration.fleet import end_machine_of_run

            return end_machine_of_run(order, ti, "machine.wait_for_manifest")

        launch = LaunchMachine(
            task_id="launch",
            order=order,
            execution_timeout=timedelta(minutes=15),
            doc_md="Starts the machine in the first place that has capacity, or finds it where it was started before.",
        ).as_setup()
        wait = WaitForManifest(
            task_id="wait_for_manifest",
            order=order,
            launched=launch.output,
            doc_md="Waits, without a worker, until the machine has uploaded its session or is known to be lost.",
        )
        store(wait.output)
        launch >> wait >> terminate(order).as_teardown(setups=launch, on_failure_fail_dagrun=True)

    @task(outlets=[SESSIONS], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def hand_over() -> None:
        """Tells Airflow that there are new sessions, which starts process_sessions."""

    @task(outlets=[SESSIONS], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def hand_over_machines() -> None:
        """Tells Airflow that there are new sessions of machines, which starts process_sessions."""

    # Two: for this rule a skipped task is not done, and one of the two targets is always skipped.
    measured, stored = measure.expand(number=plan_sessions()), machine.expand(order=plan_fleet())
    complete = EmptyOperator(
        task_id="every_session_measured",
        trigger_rule=TriggerRule.NONE_FAILED,
        doc_md="Keeps the run red if a session is missing, although the others were handed over.",
    )
    measured >> [hand_over(), complete]
    stored >> [hand_over_machines(), complete]


benchmark_instances()
