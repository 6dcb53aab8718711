"""
### Ingest recordings

Enters recording sessions that have arrived whole in raw storage in the ledger, so that `process_sessions` judges and preprocesses
them. It starts by itself: within seconds of a manifest where `ASSAY_RECORDING_QUEUE` names the SQS queue that the bucket tells of
new objects; by the ingestion API with the id of a session; and every hour for a **sweep** that finds what an event missed. Every
run also enters what the ingestion API has completed by then.

A session that is told of twice, or in another order, is entered once. With nothing to enter and nothing waiting the task is
**skipped**.

| when it fails | look at |
|---|---|
| `register` | its log: no session of that id has arrived whole, or storage and database cannot be reached |

What is no manifest is rejected with the reason; its bytes stay. `assay quarantine list` says what became of the sessions.
"""

from __future__ import annotations

from airflow.sdk import Param, dag, task
from assay.orchestration.assets import SESSIONS
from assay.orchestration.policy import TASKS
from assay.orchestration.queue import arrivals


@dag(
    doc_md=__doc__,
    schedule=arrivals("17 * * * *"),
    catchup=False,
    tags=["assay", "ingest"],
    default_args=TASKS,
    max_active_runs=4,  # who comes while another is entered need not wait for it
    params={
        "session": Param(
            None,
            type=["null", "string"],
            pattern=r"^$|^\d{8}T\d{6}Z-[0-9a-f]{12}$",
            description="Id of one session that has arrived; empty: what the event names, else a sweep.",
        )
    },
)
def ingest_recordings():
    @task(outlets=[SESSIONS])
    def register(params: dict | None = None, triggering_asset_events: dict | None = None) -> int:
        """Enters the sessions that the run was told of, else what a sweep finds; gives how many wait to be processed."""
        from assay.orchestration.tasks import register_recordings

        return register_recordings((params or {}).get("session") or "", triggering_asset_events or {})

    register()


ingest_recordings()
