"""
### Publish a snapshot

Builds the dataset's documents from the statistics, validates each against its schema, commits them together with one tag, reads
the commit back and compares every hash. Only then does the tag get its release, and the snapshot counts as published.

It runs every day at 06:00 UTC. If the statistics hold nothing new since the last snapshot, nothing is committed and the last task
is **skipped**: the same sessions give the same bytes, and those are published already. Trigger it to publish at once.

| when it fails | look at |
|---|---|
| `build` | the message names document, field and value that break the schema; nothing was written |
| `commit` | the repository: is it there, is there space? Nothing is published by halves: a commit is there or it is not |
| `read_back` | the repository's disk: what it gives is not what was sent. The former snapshot is untouched |

Clear the failed task, or trigger the DAG again: it goes on where it stopped and publishes once.
"""

from __future__ import annotations

from airflow.sdk import dag, task
from assay.orchestration.assets import STATISTICS
from assay.orchestration.policy import TASKS


@dag(
    doc_md=__doc__,
    schedule="0 6 * * *",
    catchup=False,
    tags=["assay", "publish"],
    default_args=TASKS,
    max_active_runs=1,
)
def publish_snapshot():
    @task(inlets=[STATISTICS])
    def build() -> str:
        """Builds the documents and validates them; gives the digest of their content."""
        from assay.orchestration.tasks import build_documents

        return build_documents()

    @task
    def commit(digest: str) -> dict:
        """Commits them with one tag, or finds the commit that says the same; gives the snapshot."""
        from assay.orchestration.tasks import commit_documents

        return commit_documents(digest)

    @task
    def read_back(snapshot: dict) -> str:
        """Reads the commit back, compares every hash, and notes the snapshot as published; gives its name."""
        from assay.orchestration.tasks import read_snapshot_back

        return read_snapshot_back(snapshot)

    read_back(commit(build()))


publish_snapshot()
