"""
### Reconcile

Proves every night, at 03:00 UTC, that raw storage, database and processed storage say the same, for every kind of session in
every dataset: nothing missing, nothing extra, every size as entered, and of a share of the objects (`ASSAY_RECONCILE_HASH_SHARE`,
others each night) the SHA-256 of their bytes. It changes nothing.

No difference is what is on its way (an upload, a session that is being entered or processed; what differs is looked at twice),
nor raw files of benchmarks that were cleaned after their archive was proven. A processor of recordings that has a newer version
than the one that made a file is a warning in the log: reprocessing is by choice.

| when it fails | look at |
|---|---|
| `compare` | its log: storage or database cannot be read, or a store does not list its keys in order |
| `nothing_differs` | something differs: each thing is named with what to do, the first thousand in the log of `compare` |

Run it again at any time, or `assay fsck` (with `--all-hashes` to read everything).
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task
from assay.orchestration.policy import TASKS


@dag(
    doc_md=__doc__,
    schedule="0 3 * * *",
    catchup=False,
    tags=["assay", "reconcile"],
    default_args=TASKS,
    max_active_runs=1,
)
def reconcile():
    @task(execution_timeout=timedelta(hours=12))
    def compare(dag_run: object = None) -> dict:
        """Walks storage and database side by side; gives counts and the first differences."""
        from assay.orchestration.reconcile import compare as compare_all

        return compare_all(f"{dag_run.run_after:%Y-%m-%d}")

    @task
    def nothing_differs(found: dict) -> None:
        """Fails where anything differs, so that the alert of a failed run is sent."""
        from assay.orchestration.reconcile import alert

        alert(found)

    nothing_differs(compare())


reconcile()
