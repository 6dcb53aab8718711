"""
### Refresh prices

Reads what EC2 instance types cost on demand from the AWS Price List API, for the regions in `ASSAY_PRICE_REGIONS`, and keeps what
changed. The next snapshot divides by the new prices; the former ones stay in the database, with their days.

It runs every Monday at 05:00 UTC, an hour before the snapshot of that day. Without AWS credentials the task is **skipped**, and
the dated table that comes with Assay stands in: `assay reference prices list` shows what is known, from whom and as of when.

| when it fails | look at |
|---|---|
| `refresh` | its log names region and field: no `pricing:GetProducts`, no network, an answer of another form. Every price stays |

Run it again at any time: what was read before is entered once.
"""

from __future__ import annotations

from airflow.sdk import dag, task
from assay.orchestration.policy import TASKS


@dag(
    doc_md=__doc__,
    schedule="0 5 * * 1",
    catchup=False,
    tags=["assay", "reference"],
    default_args=TASKS,
    max_active_runs=1,
)
def refresh_prices():
    @task
    def refresh() -> dict:
        """Reads the price list of every region and enters what changed; gives the number of changes by region."""
        from assay.orchestration.tasks import refresh_price_lists

        return refresh_price_lists()

    refresh()


refresh_prices()
