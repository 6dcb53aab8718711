"""Publishes a dataset as one snapshot: build, validate, compare, commit, read back, note it in the ledger.

Every step may be killed and run again: what is committed already is found by its content, never committed twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from assay.database.words import SnapshotState
from assay.dataset.build import METADATA, build_documents, digest_of
from assay.dataset.encode import sha256
from assay.dataset.manifest import MANIFEST
from assay.dataset.trends import Archive
from assay.dataset.validate import validate_documents
from assay.errors import PublicationError
from assay.publish.approval import Approve, require_quality
from assay.publish.budget import Budget, require_affordable
from assay.publish.code import code_commit
from assay.publish.current import CurrentSnapshot, current_snapshot
from assay.publish.gather import gather_content
from assay.publish.layout import PROCESSED, is_history
from assay.publish.message import Rollback, commit_message, title_and_notes
from assay.publish.page import refresh_page
from assay.publish.plan import Plan, plan
from assay.publish.readback import read_back
from assay.publish.repository import open_repository
from assay.publish.spool import Joined, Spool, spool
from assay.publish.target import GitTarget, MovedBranch, TagTaken
from assay.publish.thin import Keep
from assay.session import parse_time
from assay.workspace import Workspace

log = logging.getLogger(__name__)

ATTEMPTS = 5
LOCK = "publish"


@dataclass(frozen=True)
class PublishedSnapshot:
    """A snapshot and where it is. `changed`: this call published it, or would (`commit` is None in a dry run).

    `path`: the target. `files`: the paths in the repository that its commit wrote or removed; empty if nothing changed.
    `thinned`: the snapshots whose folders it removed; their tags stay.
    """

    name: str
    commit: str | None
    changed: bool
    path: str
    files: tuple[str, ...]
    content_digest: str
    thinned: tuple[str, ...] = ()


def publish_snapshot(workspace: Workspace, *, dry_run: bool = False, approve: Approve | None = None) -> PublishedSnapshot:
    """Publish what the dataset says now. Nothing new: nothing is written, and the snapshot that says it already is given.

    `approve`: asked before anything new is published; by default it refuses what is under the setting `quality_threshold`.
    Raises PublicationError if there is nothing to publish yet, if the target fails, or if what is read back is not what was sent;
    SchemaMismatch if a document would break the contract.
    """
    target = open_target(workspace)
    with workspace.ledger.lock(LOCK), spool() as history:
        unwatched = None if dry_run else require_quality(workspace.settings.quality_threshold)
        documents = build(workspace, target, history, approve or unwatched)
        if dry_run:
            return foreseen(workspace, target, documents, history)
        snapshot = commit(workspace, target, documents, history)
        return verify(workspace, target, snapshot)


def build_snapshot(workspace: Workspace) -> str:
    """First of three steps for a task each: build, validate and store the documents; gives their content digest."""
    target = open_target(workspace)
    with spool() as history:
        documents = build(workspace, target, history, require_quality(workspace.settings.quality_threshold))
        digest = digest_of(documents)
        for path, data in Joined(documents, history).items():
            workspace.storage.write(f"{_built(digest)}/{path}", data)
    return digest


def commit_snapshot(workspace: Workspace, digest: str) -> PublishedSnapshot:
    """Second step: commit the documents that `build_snapshot` stored. Again: gives the commit that was made."""
    keys = [item.key for item in workspace.storage.list(_built(digest))]
    if not keys:
        raise PublicationError(f"no built documents with digest {digest}: build the snapshot again")
    prefix = f"{_built(digest)}/"
    documents: dict[str, bytes] = {}
    with spool() as history:
        for key, data in workspace.storage.read_many(keys):
            path = key.removeprefix(prefix)
            if is_history(path):
                history.write(path, data)
            else:
                documents[path] = data
        with workspace.ledger.lock(LOCK):
            return commit(workspace, open_target(workspace), documents, history)


def verify_snapshot(workspace: Workspace, snapshot: PublishedSnapshot) -> PublishedSnapshot:
    """Third step: read the commit back, note it as published, and remove the stored documents."""
    with workspace.ledger.lock(LOCK):
        verified = verify(workspace, open_target(workspace), snapshot)
    workspace.storage.delete([item.key for item in workspace.storage.list(_built(snapshot.content_digest))])
    return verified


def open_target(workspace: Workspace) -> GitTarget:
    """Where the workspace's dataset is published."""
    return open_repository(workspace.settings, workspace.dataset, workspace.storage)


def build(
    workspace: Workspace, target: GitTarget, history: Spool | None = None, approve: Approve | None = None
) -> dict[str, bytes]:
    """The validated documents of what the dataset says now, compared with the snapshot that the target holds.

    The documents over time go into `history`, by path in the repository; without it they are not made. `approve` is asked about
    what the target does not say already.
    """
    started = time.monotonic()
    current = current_snapshot(target, target.head())
    content = gather_content(workspace, current.as_previous() if current else None)
    documents = build_documents(content, None if history is None else _into(history))
    validate_documents(documents)
    size = sum(len(data) for data in documents.values())
    log.info(
        "dataset %s: built and validated %d documents (%.0f kB) and %d over time, content %s, in %.1f s",
        workspace.dataset,
        len(documents),
        size / 1000,
        len(history or ()),
        digest_of(documents)[:12],
        time.monotonic() - started,
    )
    if approve is not None and (current is None or current.digest != digest_of(documents)):
        approve(documents)
    return documents


def _into(history: Spool) -> Archive:
    def archive(path: str, data: bytes) -> None:
        validate_documents({path: data})
        history.write(f"{PROCESSED}/{path}", data)

    return archive


def commit(
    workspace: Workspace,
    target: GitTarget,
    documents: Mapping[str, bytes],
    history: Spool,
    rollback: Rollback | None = None,
) -> PublishedSnapshot:
    """One commit for these documents and those over time, on whatever head the target has; none if the target says the same.

    `rollback`: which former snapshot they are. Raises PublicationError if the branch keeps moving, or if it would cost too much.
    """
    code = code_commit()
    for attempt in range(1, ATTEMPTS + 1):
        planned = _planned(workspace, target, documents, history)
        if isinstance(planned, CurrentSnapshot):
            refresh_page(target, planned.documents, planned.commit)
            return _committed_before(workspace, target, planned, str(rollback or ""))
        _begin(workspace, target, planned.name, planned.documents, str(rollback or ""))
        message = commit_message(planned.name, planned.documents, code, rollback=rollback, thinned=planned.thinned)
        try:
            new = target.commit(planned.change, message, expected=planned.head, tag=planned.name)
        except (MovedBranch, TagTaken) as error:
            log.warning("attempt %d of %d: %s; building on what is there now", attempt, ATTEMPTS, error)
            continue
        workspace.ledger.commit_snapshot(planned.name, commit=new, manifest_sha256=sha256(planned.documents[MANIFEST]))
        log.info("snapshot %s: commit %s with %d files in %s", planned.name, new[:12], len(planned.files), target.name)
        return PublishedSnapshot(
            planned.name, new, True, target.name, planned.files, digest_of(planned.documents), planned.thinned
        )
    raise PublicationError(
        f"{target.name}: the branch moved {ATTEMPTS} times while publishing; see who else writes there, try again"
    )


def verify(workspace: Workspace, target: GitTarget, snapshot: PublishedSnapshot) -> PublishedSnapshot:
    """Read a committed snapshot back, make its release, and note it as published.

    Raises PublicationError if it is not what was sent.
    """
    if snapshot.commit is None:
        raise PublicationError(f"snapshot {snapshot.name} was never committed: there is nothing to read back")
    noted = _noted(workspace, snapshot.name)
    read_back(target, snapshot.name, snapshot.commit, noted["manifest_sha256"])
    # Only what was proven gets a release. Its notes are the commit's: a run that was killed before is completed by the next.
    target.release(snapshot.name, *title_and_notes(target.message(snapshot.commit)))
    workspace.ledger.finish_snapshot(snapshot.name)
    log.info("snapshot %s: read back from %s, every hash as in the manifest", snapshot.name, target.name)
    return snapshot


def _committed_before(workspace: Workspace, target: GitTarget, current: CurrentSnapshot, approved_by: str) -> PublishedSnapshot:
    """The snapshot that the target holds already, brought up to date in tags and ledger where a run was killed in between."""
    tagged = target.tags().get(current.name)
    if tagged is None:
        target.add_tag(current.name, current.commit)
        tagged = current.commit
    _begin(workspace, target, current.name, current.documents, approved_by)
    workspace.ledger.commit_snapshot(current.name, commit=tagged, manifest_sha256=sha256(current.documents[MANIFEST]))
    fresh = _noted(workspace, current.name)["state"] != SnapshotState.PUBLISHED
    log.info("dataset %s: the target says the same already, in snapshot %s", workspace.dataset, current.name)
    return PublishedSnapshot(current.name, tagged, fresh, target.name, (), current.digest)


def _begin(workspace: Workspace, target: GitTarget, name: str, documents: Mapping[str, bytes], approved_by: str) -> None:
    workspace.ledger.begin_snapshot(
        name,
        content_digest=digest_of(documents),
        sessions=[entry["session"] for entry in orjson.loads(documents[MANIFEST])["sessions"]],
        last_updated=parse_time(orjson.loads(documents[METADATA])["last_updated"]),
        target=target.name,
        approved_by=approved_by,
    )


def _planned(workspace: Workspace, target: GitTarget, documents: Mapping[str, bytes], history: Spool) -> Plan | CurrentSnapshot:
    settings = workspace.settings
    keep = Keep(settings.keep_days, settings.keep_weekly_days)
    planned = plan(target, documents, _used_names(workspace), history, keep)
    if isinstance(planned, Plan):
        require_affordable(planned.cost, Budget(settings.snapshot_file_bytes, settings.snapshot_growth_bytes))
    return planned


def foreseen(workspace: Workspace, target: GitTarget, documents: Mapping[str, bytes], history: Spool) -> PublishedSnapshot:
    """What committing these documents would do; nothing is written."""
    planned = _planned(workspace, target, documents, history)
    if isinstance(planned, Plan):
        return PublishedSnapshot(planned.name, None, True, target.name, planned.files, digest_of(documents), planned.thinned)
    return PublishedSnapshot(planned.name, planned.commit, False, target.name, (), planned.digest)


def _used_names(workspace: Workspace) -> set[str]:
    snapshots = workspace.ledger.snapshots()
    return set(snapshots.loc[snapshots["state"] != SnapshotState.BUILDING.value, "name"])


def _noted(workspace: Workspace, name: str) -> dict[str, str]:
    snapshots = workspace.ledger.snapshots()
    found = snapshots[snapshots["name"] == name]
    if found.empty:
        raise PublicationError(f"snapshot {name} is not in the ledger of dataset {workspace.dataset}; publish again")
    return {field: str(found.iloc[0][field]) for field in ("state", "manifest_sha256", "commit")}


def _built(digest: str) -> str:
    return f"processed/snapshots/{digest}"
