"""
### Reap instances

Ends every machine of ours on EC2 that outlived its deadline or whose run is over, and volumes and spot requests that no machine
uses. It looks at EC2's own inventory, by tag, in all regions of `ASSAY_FLEET_REGIONS`, and at no state of ours, so that what was
forgotten here is found there.

It runs every hour. A healthy fleet leaves it nothing to do: its last task **fails** when it has found anything, so that somebody
looks why; what it found has been ended by then. Without AWS credentials both tasks are **skipped**.

| when it fails | look at |
|---|---|
| `reap` | its log names the region that cannot be asked; the other regions were done |
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

    @task
    def nothing_was_left(found: list[dict]) -> None:
        """Fails where anything was left over, so that the alert of a failed run is sent."""
        from assay.orchestration.fleet import alert

        alert(found)

    nothing_was_left(reap())


reap_instances()
