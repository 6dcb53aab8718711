"""
### Publish a snapshot

Builds the dataset's documents from the statistics, validates each against its schema, commits them together with one tag, reads
the commit back and compares every hash. Only then does the tag get its release, the snapshot counts as published, and its raw
sessions go into an archive; raw objects that are in one and older than the retention (`ASSAY_RAW_RETENTION_DAYS`) are deleted.

**Approval**: where values moved beyond their noise, types vanished, the schema changed or too many new sessions are in
quarantine, `approve` waits and shows the difference in numbers: open the task, tab *Required Actions*, and approve or reject. It
holds no worker meanwhile. No answer within a day (`ASSAY_APPROVAL_HOURS`) means no. What was approved is what is committed; the
name of who approved goes into the commit. After a no the same content is asked about again only in a run that somebody triggers.
The first snapshot of a dataset needs no approval, nor does `assay publish --yes`.

It runs every day at 06:00 UTC. If the statistics hold nothing new since the last snapshot, nothing is committed and `read_back`
is **skipped**: the same sessions give the same bytes, and those are published already. Trigger it to publish at once.

| when it fails | look at |
|---|---|
| `build` | the message names document, field and value that break the schema; nothing was written |
| `approve` | its log: database, repository? A no is no failure: what comes after is skipped, and the ledger says whose |
| `commit` | another snapshot since it was built? Trigger again. Else the repository: is it there, with space? Never half done |
| `read_back` | the repository's disk: what it gives is not what was sent. The former snapshot is untouched |
| `archive` | the archive's place (`ASSAY_ARCHIVE_URL`): is there space, may we write? It counts once it was read back |
| `clean` | the message names the archive that is damaged or gone, or the snapshot that does not read back. Nothing was lost |
| `notify` | who could not be told, and why: the snapshot is published all the same, and the next run tells again |

**Notification**: after the read-back a webhook, a GitHub `repository_dispatch` and an SNS topic are told, each where it is
configured (`ASSAY_WEBHOOK_URL`, `ASSAY_DISPATCH_REPOSITORY`, `ASSAY_SNS_TOPIC`). Is nobody to be told, `notify` is skipped.

Clear the failed task, or trigger the DAG again: it goes on where it stopped and publishes once.
"""

from __future__ import annotations

from airflow.sdk import Param, chain, dag, task
from assay.orchestration.approval import ACCEPT, AskBeforePublishing
from assay.orchestration.assets import STATISTICS
from assay.orchestration.policy import TASKS
from assay.settings import Settings

settings = Settings()


@dag(
    doc_md=__doc__,
    schedule="0 6 * * *",
    catchup=False,
    tags=["assay", "publish"],
    default_args=TASKS,
    max_active_runs=1,
    params={
        ACCEPT: Param(
            False,
            type="boolean",
            title="Accept changes",
            description="Publish without asking, although values moved beyond noise, types vanished, the schema changed or many "
            "new sessions are in quarantine. What is under ASSAY_QUALITY_THRESHOLD is asked all the same.",
        ),
    },
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

    # These go on where an earlier run was stopped, so they also run where nothing is new and `read_back` is skipped.
    @task(trigger_rule="none_failed")
    def archive() -> list[dict]:
        """Packs the raw sessions of what is published and reads the archive back; skipped if every snapshot has its archive."""
        from assay.orchestration.tasks import archive_snapshots

        return archive_snapshots()

    @task(trigger_rule="none_failed")
    def clean() -> dict:
        """Deletes raw objects that are published, archived and older than the retention; skipped if there are none."""
        from assay.orchestration.tasks import clean_raw

        return clean_raw()

    @task(trigger_rule="none_failed")
    def notify() -> list[str]:
        """Tells downstream of what is published, also of what could not be told before; gives who was told of what."""
        from assay.orchestration.tasks import tell_downstream

        return tell_downstream()

    built = build()
    approve = AskBeforePublishing(
        task_id="approve",
        doc_md="Asks a person whether the snapshot may be published, where there is a reason to ask; else it passes at once.",
        digest=built,
        hours=settings.approval_hours,
    )
    committed = commit(built)
    proven = read_back(committed)
    chain(approve, committed, proven, archive(), clean())
    proven >> notify()


publish_snapshot()
