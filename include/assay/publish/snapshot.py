"""Publishes a dataset as one snapshot: build, validate, compare, commit, read back, note it in the ledger.

Every step may be killed and run again: what is committed already is found by its content, never committed twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from assay.database.words import SnapshotState
from assay.dataset.build import METADATA, build_documents, digest_of
from assay.dataset.changes import CHANGES
from assay.dataset.encode import sha256
from assay.dataset.manifest import MANIFEST
from assay.dataset.trends import Archive
from assay.dataset.validate import validate_documents
from assay.errors import NotWhole, PublicationError
from assay.publish.approval import (
    UNNAMED,
    Ask,
    Question,
    Reply,
    approval_of,
    approved_before,
    only_approved,
    question_of,
    unwatched,
)
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


class StaleBuild(PublicationError):
    """Another snapshot was published since these documents were built."""


@dataclass(frozen=True)
class PublishedSnapshot:
    """A snapshot and where it is. `changed`: this call published it, or would (`commit` is None in a dry run).

    `path`: the target. `files`: the paths in the repository that its commit wrote or removed; empty if nothing changed.
    `thinned`: the snapshots whose folders it removed; their tags stay.
    `approved_by`: who approved it, as the commit says; empty where nobody had to.
    """

    name: str
    commit: str | None
    changed: bool
    path: str
    files: tuple[str, ...]
    content_digest: str
    thinned: tuple[str, ...] = ()
    approved_by: str = ""


def publish_snapshot(workspace: Workspace, *, dry_run: bool = False, ask: Ask = unwatched) -> PublishedSnapshot:
    """Publish what the dataset says now. Nothing new: nothing is written, and the snapshot that says it already is given.

    `ask`: asked before anything new is published that needs approval, in a dry run too, where the answer does not matter; by
    default only what is under the setting `quality_threshold` is refused.
    Raises NotApproved if the answer is no, PublicationError if there is nothing to publish yet, if the target fails, or if what
    is read back is not what was sent; SchemaMismatch if a document would break the contract.
    """
    target = open_target(workspace)
    with workspace.ledger.lock(LOCK), spool() as history:
        documents = build(workspace, target, history)
        if dry_run:
            return foreseen(workspace, target, documents, history, None if ask is unwatched else ask)
        snapshot = commit(workspace, target, documents, history, ask=ask)
        return verify(workspace, target, snapshot)


def build_snapshot(workspace: Workspace) -> str:
    """First of four steps for a task each: build, validate and store the documents; gives their content digest."""
    target = open_target(workspace)
    with spool() as history:
        documents = build(workspace, target, history)
        digest = digest_of(documents)
        for path, data in Joined(documents, history).items():
            workspace.storage.write(f"{_built(digest)}/{path}", data)
    return digest


def ask_about_snapshot(workspace: Workspace, digest: str) -> Question | None:
    """Second step: what a person is to be asked about the documents that `build_snapshot` stored; None if nothing.

    Raises StaleBuild if another snapshot was published since they were built.
    """
    target = open_target(workspace)
    with _stored(workspace, digest) as (documents, history):
        planned = _planned(workspace, target, documents, history)
        if isinstance(planned, CurrentSnapshot):
            return None
        _check_fresh(target, planned, _since(documents))
        question = question_of(planned, workspace.settings)
    return question if question.reasons else None


def commit_snapshot(workspace: Workspace, digest: str) -> PublishedSnapshot:
    """Third step: commit the documents that `build_snapshot` stored. Again: gives the commit that was made.

    Raises NotApproved if they need approval and the ledger has none for them, on top of what the target holds now; StaleBuild
    if another snapshot was published since they were built.
    """
    with _stored(workspace, digest) as (documents, history), workspace.ledger.lock(LOCK):
        return commit(workspace, open_target(workspace), documents, history, ask=only_approved, built_on=_since(documents))


def forget_snapshot(workspace: Workspace, digest: str) -> None:
    """In place of the third step where the answer was no: remove the documents that `build_snapshot` stored."""
    workspace.storage.delete([item.key for item in workspace.storage.list(_built(digest))])


def verify_snapshot(workspace: Workspace, snapshot: PublishedSnapshot) -> PublishedSnapshot:
    """Fourth step: read the commit back, note it as published, and remove the stored documents."""
    with workspace.ledger.lock(LOCK):
        verified = verify(workspace, open_target(workspace), snapshot)
    forget_snapshot(workspace, snapshot.content_digest)
    return verified


def open_target(workspace: Workspace) -> GitTarget:
    """Where the workspace's dataset is published."""
    return open_repository(workspace.settings, workspace.dataset, workspace.storage)


def build(workspace: Workspace, target: GitTarget, history: Spool | None = None) -> dict[str, bytes]:
    """The validated documents of what the dataset says now, compared with the snapshot that the target holds.

    The documents over time go into `history`, by path in the repository; without it they are not made.
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
    *,
    ask: Ask = unwatched,
    built_on: str | None = None,
) -> PublishedSnapshot:
    """One commit for these documents and those over time, on whatever head the target has; none if the target says the same.

    `rollback`: which former snapshot they are; nobody is asked about that. `built_on`: the snapshot that they must follow, if it
    matters. Raises StaleBuild if another is there now, PublicationError if the branch keeps moving or if it would cost too much,
    NotApproved if it must not be published.
    """
    code = code_commit()
    for attempt in range(1, ATTEMPTS + 1):
        planned = _planned(workspace, target, documents, history)
        if isinstance(planned, CurrentSnapshot):
            refresh_page(target, planned.documents, planned.commit)
            return _committed_before(workspace, target, planned, str(rollback or ""))
        if built_on is not None:
            _check_fresh(target, planned, built_on)
        approved = approval_of(workspace, planned, ask) if rollback is None else None
        signed = rollback.signed_as if rollback else "" if approved is None else approved.signed_as or UNNAMED
        _begin(workspace, target, planned.name, planned.documents, str(rollback or "") or _who(approved))
        message = commit_message(
            planned.name, planned.documents, code, rollback=rollback, thinned=planned.thinned, approved_by=signed
        )
        try:
            new = target.commit(planned.change, message, expected=planned.head, tag=planned.name)
        except (MovedBranch, TagTaken) as error:
            log.warning("attempt %d of %d: %s; building on what is there now", attempt, ATTEMPTS, error)
            continue
        workspace.ledger.commit_snapshot(planned.name, commit=new, manifest_sha256=sha256(planned.documents[MANIFEST]))
        log.info("snapshot %s: commit %s with %d files in %s", planned.name, new[:12], len(planned.files), target.name)
        return PublishedSnapshot(
            planned.name, new, True, target.name, planned.files, digest_of(planned.documents), planned.thinned, signed
        )
    raise PublicationError(
        f"{target.name}: the branch moved {ATTEMPTS} times while publishing; see who else writes there, try again"
    )


def verify(workspace: Workspace, target: GitTarget, snapshot: PublishedSnapshot) -> PublishedSnapshot:
    """Read a committed snapshot back, make its release, and note it as published.

    Raises NotWhole, and notes that, if it is not what was sent.
    """
    if snapshot.commit is None:
        raise PublicationError(f"snapshot {snapshot.name} was never committed: there is nothing to read back")
    noted = _noted(workspace, snapshot.name)
    try:
        read_back(target, snapshot.name, snapshot.commit, noted["manifest_sha256"])
    except NotWhole as error:
        workspace.ledger.damage_snapshot(snapshot.name, str(error))
        log.error("snapshot %s: DAMAGED: nothing may be cleaned until it is read back well: %s", snapshot.name, error)
        raise
    # Only what was proven gets a release. Its notes are the commit's: a run that was killed before is completed by the next.
    target.release(snapshot.name, *title_and_notes(target.message(snapshot.commit)))
    workspace.ledger.finish_snapshot(snapshot.name, workspace.settings.channels)
    log.info("snapshot %s: read back from %s, every hash as in the manifest", snapshot.name, target.name)
    return snapshot


def _committed_before(workspace: Workspace, target: GitTarget, current: CurrentSnapshot, approved_by: str) -> PublishedSnapshot:
    """The snapshot that the target holds already, brought up to date in tags and ledger where a run was killed in between."""
    tagged = target.tags().get(current.name)
    if tagged is None:
        target.add_tag(current.name, current.commit)
        tagged = current.commit
    approved = approved_before(workspace, current.digest, _since(current.documents))
    _begin(workspace, target, current.name, current.documents, approved_by or _who(approved))
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


def _who(approved: Reply | None) -> str:
    return "" if approved is None else approved.who


def _check_fresh(target: GitTarget, planned: Plan, built_on: str) -> None:
    """An answer, or a difference, is about one snapshot after another; and what is older must not replace what is newer."""
    there = _since(planned.documents)
    if there != built_on:
        raise StaleBuild(
            f"{target.name}: snapshot {there or 'none'} is the last one there now, and these documents were built on "
            f"{built_on or 'none'}; build them again, so that nothing newer is taken back"
        )


def _since(documents: Mapping[str, bytes]) -> str:
    return str(orjson.loads(documents[CHANGES])["since"])


def _planned(workspace: Workspace, target: GitTarget, documents: Mapping[str, bytes], history: Spool) -> Plan | CurrentSnapshot:
    settings = workspace.settings
    keep = Keep(settings.keep_days, settings.keep_weekly_days)
    planned = plan(target, documents, _used_names(workspace), history, keep)
    if isinstance(planned, Plan):
        require_affordable(planned.cost, Budget(settings.snapshot_file_bytes, settings.snapshot_growth_bytes))
    return planned


def foreseen(
    workspace: Workspace, target: GitTarget, documents: Mapping[str, bytes], history: Spool, ask: Ask | None = None
) -> PublishedSnapshot:
    """What committing these documents would do; nothing is written. `ask` is shown what somebody would be asked."""
    planned = _planned(workspace, target, documents, history)
    if isinstance(planned, Plan):
        question = question_of(planned, workspace.settings)
        if ask is not None and question.reasons:
            ask(question)
        return PublishedSnapshot(planned.name, None, True, target.name, planned.files, digest_of(documents), planned.thinned)
    return PublishedSnapshot(planned.name, planned.commit, False, target.name, (), planned.digest)


@contextmanager
def _stored(workspace: Workspace, digest: str) -> Iterator[tuple[dict[str, bytes], Spool]]:
    """The documents that `build_snapshot` stored, and those over time."""
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
        yield documents, history


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
