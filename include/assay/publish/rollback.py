"""Publishes a former snapshot as the newest: a new commit with its documents, a name, a folder and a tag of its own.

A rollback is a snapshot like any other: it is compared with what was there, read back, released, noted in the ledger, and never
changes. Its data and its content digest are those of the former one; `changes.json`, and what lists the documents, are new. The
next publication sees that the sessions of now say something else, and publishes that: what was wrong must be quarantined, or
publishing paused, before.
"""

from __future__ import annotations

import orjson

from assay.dataset.encode import sha256
from assay.dataset.manifest import MANIFEST
from assay.dataset.validate import validate_documents
from assay.errors import PublicationError
from assay.publish.approval import signature
from assay.publish.layout import PROCESSED, snapshot_folder, snapshot_order
from assay.publish.message import Rollback
from assay.publish.readback import read_back
from assay.publish.snapshot import LOCK, PublishedSnapshot, commit, foreseen, open_target, verify
from assay.publish.spool import Spool, spool
from assay.publish.target import GitTarget
from assay.workspace import Workspace

NAMED = 5


def rollback(
    workspace: Workspace, name: str, *, reason: str, account: str, signed_as: str = "", dry_run: bool = False
) -> PublishedSnapshot:
    """Publish the snapshot `name` again, as the newest. Nothing is written where the newest says the same already.

    `reason` goes into the commit message and the ledger; `account`, who decided it, into the ledger alone; `signed_as`, a name,
    into the commit. The snapshot is read from its tag, so its folder need not be in the branch any more.
    Raises PublicationError if there is no such tag, if what it holds is not what its manifest says, if the ledger does not know
    its sessions, or if the target fails.
    """
    if not reason.strip():
        raise PublicationError("a rollback needs a reason: it goes into the commit message and the ledger")
    target = open_target(workspace)
    with workspace.ledger.lock(LOCK), spool() as history:
        at = _tagged(target, name)
        documents = _documents(target, name, at, history)
        _require_known(workspace, name, documents)
        note = Rollback(name, at, " ".join(reason.split()), account, signature(signed_as))
        if dry_run:
            return foreseen(workspace, target, documents, history)
        return verify(workspace, target, commit(workspace, target, documents, history, note))


def _tagged(target: GitTarget, name: str) -> str:
    tags = target.tags()
    if name not in tags:
        newest = ", ".join(sorted(tags, key=snapshot_order)[-NAMED:]) or "none"
        raise PublicationError(f"{target.name}: there is no snapshot {name}; the newest are: {newest}")
    return tags[name]


def _documents(target: GitTarget, name: str, at: str, history: Spool) -> dict[str, bytes]:
    """The documents of a snapshot at its tag, proven by its manifest; those over time go into `history`."""
    folder = snapshot_folder(name)
    try:
        manifest = target.read(at, f"{folder}/{MANIFEST}")
    except FileNotFoundError:
        raise PublicationError(f"{target.name}: tag {name} holds no {folder}/{MANIFEST}: it is no snapshot") from None
    read_back(target, name, at, sha256(manifest))
    said = orjson.loads(manifest)
    paths = {f"{folder}/{entry['path']}": str(entry["path"]) for entry in said["files"]}
    documents = {paths[path]: data for path, data in target.read_many(at, sorted(paths))} | {MANIFEST: manifest}
    for path, data in target.read_many(at, sorted(f"{PROCESSED}/{entry['path']}" for entry in said["history"])):
        history.write(path, data)
    validate_documents(documents)
    return documents


def _require_known(workspace: Workspace, name: str, documents: dict[str, bytes]) -> None:
    wanted = {str(entry["session"]) for entry in orjson.loads(documents[MANIFEST])["sessions"]}
    missing = sorted(wanted - set(workspace.ledger.sessions(only=sorted(wanted))["session"]))
    if missing:
        raise PublicationError(
            f"snapshot {name} has {len(missing)} sessions that the ledger of dataset {workspace.dataset} does not know, such "
            f"as {missing[0]}; bring them back first, so that what is published can be traced"
        )
