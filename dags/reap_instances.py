"""
### Reap instances

Ends every machine of ours on EC2 that outlived its deadline or whose run is over, and volumes and spot requests that no machine
uses. It looks at EC2's own inventory, by tag, in all regions of `ASSAY_FLEET_REGIONS`, and at no state of ours, so that what was
forgotten here is found there. Then the ledger is settled by what EC2 says: `assay fleet` names the state of every machine again.

It runs every hour. A healthy fleet leaves it nothing to do: its last task **fails** when it has found anything, so that somebody
looks why; what it found has been ended by then. Without AWS credentials all tasks are **skipped**.

| when it fails | look at |
|---|---|
| `reap` | its log names the region that cannot be asked; the other regions were done |
| `settle` | its log: EC2 or the database cannot be asked; what was left over has been ended all the same |
| `nothing_was_left` | the log names what was left over, of which run, and why: look at that run's `machine.terminate` |

Run it again at any time. `assay reap --dry-run` shows what it would end.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task
from assay.orchestration.policy import TASKS


@dag(
    doc_md=__doc__,
    schedule="@hourly",
    catchup=False,
    tags=["assay", "collect"],
    default_args=TASKS,
    max_active_runs=1,
)
def reap_instances():
    @task(execution_timeout=timedelta(minutes=15))
    def reap(ti: object) -> list[dict]:
        """Ends what must not live on; gives what it was."""
        from assay.orchestration.fleet import reap_all

        return reap_all(ti.get_dagrun_state)

    @task(execution_timeout=timedelta(minutes=15))
    def settle(found: list[dict], ti: object) -> list[str]:
        """Brings the machines in the ledger to what EC2 says; gives a sentence for each that changed."""
        from assay.orchestration.fleet import settle_ledger

        return settle_ledger(found, ti.get_dagrun_state)

    @task
    def nothing_was_left(found: list[dict]) -> None:
        """Fails where anything was left over, so that the alert of a failed run is sent."""
        from assay.orchestration.fleet import alert

        alert(found)

    found = reap()
    settle(found)
    nothing_was_left(found)


reap_instances()
