"""The bodies of tasks that are more than one step without arguments: what goes in and out between them is plain data."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from assay.errors import NotificationFailed
from assay.orchestration.work import run_step
from assay.workspace import Workspace

log = logging.getLogger(__name__)


def measure_session(number: int, *, executions: int) -> str:
    """Measure one session on this host and give its id. `number` is its place in the run, for the log."""
    from assay.collect.host import measure_host

    log.info("session %d of this run: every tool %d times", number, executions)
    return run_step(lambda workspace: measure_host(workspace, executions=executions))


def register_recordings(session: str, events: Mapping[Any, Iterable[Any]]) -> int:
    """Enter the recording of that id, or those that the events name, or what a sweep finds, and whatever was completed by now.

    Gives how many wait to be processed. `events`: Airflow's asset events by asset. Raises AirflowSkipException when nothing is
    new and nothing waits.
    """
    from assay.ingest.arrive import register_arrived, register_completed, register_session, sweep, waiting
    from assay.ingest.events import manifest_keys

    keys = manifest_keys([event.extra.get("payload") for those in events.values() for event in those])

    def register(workspace: Workspace) -> int:
        new = register_session(workspace, session) if session else register_arrived(workspace, keys) if keys else sweep(workspace)
        new += register_completed(workspace)
        log.info("%d recordings are new%s", len(new), f": {', '.join(new[:20])}" if new else "")
        return waiting(workspace)

    waits = run_step(register)
    if not waits:
        raise AirflowSkipException("no recording has arrived that is not processed")
    return waits


def judge_recordings() -> int:
    """Take every recording of every dataset as far as its verdict; give their number. Raises AirflowSkipException for none."""
    from assay.process import judge_recordings

    judged = run_step(judge_recordings)
    if judged is None:
        raise AirflowSkipException("there are no recordings")
    return judged


def build_documents() -> str:
    """Build, validate and store the documents; give their digest. Raises AirflowSkipException if no session was judged yet."""
    from assay.publish.snapshot import build_snapshot

    digest = run_step(lambda workspace: build_snapshot(workspace) if _anything_judged(workspace) else None)
    if digest is None:
        raise AirflowSkipException("no session has been judged yet: there is nothing to publish")
    return digest


def commit_documents(digest: str) -> dict[str, Any]:
    """Commit the documents with that digest, or find the commit that says the same; give the snapshot."""
    from assay.publish.snapshot import commit_snapshot

    return asdict(run_step(lambda workspace: commit_snapshot(workspace, digest)))


def read_snapshot_back(committed: dict[str, Any]) -> str:
    """Read the commit back, note the snapshot as published, give its name. Raises AirflowSkipException if it was before."""
    from assay.publish.snapshot import PublishedSnapshot, verify_snapshot

    snapshot = PublishedSnapshot(**{**committed, "files": tuple(committed["files"])})
    run_step(lambda workspace: verify_snapshot(workspace, snapshot))
    if not snapshot.changed:
        raise AirflowSkipException(f"nothing is new since snapshot {snapshot.name}; it was read back again")
    return snapshot.name


def archive_snapshots() -> list[dict[str, Any]]:
    """Archive what is published and has no archive yet; give what was made. Raises AirflowSkipException if there is nothing."""
    from assay.archive.make import archive_published

    made = run_step(archive_published)
    if not made:
        raise AirflowSkipException("every published snapshot has its archive")
    return [asdict(one) for one in made]


def clean_raw() -> dict[str, int]:
    """Delete raw objects that may go; give how many. Raises AirflowSkipException if there are none."""
    from assay.archive.clean import clean

    done = run_step(clean)
    if not done.cleaned.sessions:
        raise AirflowSkipException(f"no raw object is published, archived and {done.retention_days} days old")
    return asdict(done.cleaned)


def tell_downstream() -> list[str]:
    """Tell who is configured of the published snapshots; give who was told of which.

    Raises AirflowSkipException if nobody is to be told, NotificationFailed if somebody could not be.
    """
    from assay.notify.deliver import notify_downstream

    def tell(workspace: Workspace) -> list[str]:
        told = notify_downstream(workspace)
        if told.failed:
            raise NotificationFailed(f"published, but not everybody could be told: {'; '.join(told.failed)}")
        return list(told.delivered)

    if not (told := run_step(tell)):
        raise AirflowSkipException("nobody is to be told of anything new")
    return told


def refresh_price_lists() -> dict[str, int]:
    """Bring the prices up to date; give the number of changes by region. Raises AirflowSkipException without AWS credentials."""
    from assay.reference.prices.api import has_credentials
    from assay.reference.prices.refresh import refresh_prices

    def refresh(workspace: Workspace) -> dict[str, int] | None:
        settings = workspace.settings
        if not has_credentials():
            return None
        found = refresh_prices(workspace.engine, settings.regions, endpoint=settings.price_endpoint)
        return {region: len(each.new) + len(each.changed) + len(each.gone) for region, each in found.items()}

    changes = run_step(refresh)
    if changes is None:
        raise AirflowSkipException("no AWS credentials: the price list is not asked, and the prices known before stand")
    return changes


def _anything_judged(workspace: Workspace) -> bool:
    return len(workspace.ledger.sessions(states=["judged"])) > 0
