"""Deletes raw objects that nothing needs any more: published, older than the retention, and in an archive that is still there.

What may go is decided by the ledger (assay.database.archives), and only by what it knows: no key is deleted that is not the
manifest or a raw file of such a session. Right before, the newest snapshot is read back, and every volume is looked at again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from assay.archive.make import LOCK
from assay.archive.place import ArchivePlace, open_place
from assay.database.archives import CLEANED_KINDS, TO_CLEAN, VolumeFacts
from assay.database.words import SnapshotState
from assay.errors import ArchiveError, NotWhole
from assay.publish.readback import read_back
from assay.publish.repository import open_repository
from assay.session import MANIFEST_NAME
from assay.workspace import Workspace

OBJECTS_AT_ONCE = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counted:
    """So many sessions, with their raw objects (the manifest is one) and the bytes of their raw files."""

    sessions: int = 0
    objects: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Cleaning:
    """What was deleted, or would be, and what is kept and why. `retention_days`: how old raw objects must be."""

    cleaned: Counted
    kept: Mapping[str, Counted]
    retention_days: int
    blocked: str = ""
    by_archive: Mapping[str, int] = field(default_factory=dict)


def clean(
    workspace: Workspace, *, dry_run: bool = False, days: int | None = None, tell: Callable[[str], None] = lambda doing: None
) -> Cleaning:
    """Delete the raw objects that may go, all versions of them; killed anywhere and run again it ends in the same place.

    `days`: the retention, where it is not that of the settings. `dry_run`: only say what would be deleted; `blocked` then says
    what stands against it. Raises ArchiveError, and deletes nothing more, where an archive is not what was proven, or where the
    newest snapshot is not proven; PublicationError where it does not read back.
    """
    days = workspace.settings.raw_retention_days if days is None else days
    with workspace.ledger.lock(LOCK):
        counts = {why: Counted(*found) for why, found in workspace.ledger.count_raw_by_reason(days).items()}
        planned = counts.pop(TO_CLEAN, Counted())
        blocked = _unproven(workspace) if planned.sessions else ""
        if dry_run:
            return Cleaning(planned, counts, days, blocked, _by_archive(workspace, days))
        if blocked:
            log.error("nothing is cleaned: %s", blocked)
            raise ArchiveError(f"{blocked}. Nothing was deleted")
        if planned.sessions:
            _read_newest_back(workspace)
        done = _delete(workspace, days, tell)
    return Cleaning(planned, counts, days, "", done)


def _unproven(workspace: Workspace) -> str:
    """Why the newest snapshot, or one that is damaged, stands against cleaning; empty if none does."""
    snapshots = workspace.ledger.snapshots()
    for damaged in snapshots[snapshots["state"] == SnapshotState.DAMAGED.value].to_dict("records"):
        return f"snapshot {damaged['name']} is not what was sent ({damaged['fault']})"
    committed = snapshots[snapshots["state"] != SnapshotState.BUILDING.value]
    if committed.empty or committed.iloc[-1]["state"] == SnapshotState.PUBLISHED.value:
        return ""
    return f"snapshot {committed.iloc[-1]['name']} was committed and not read back; `assay publish` goes on there"


def _read_newest_back(workspace: Workspace) -> None:
    snapshots = workspace.ledger.snapshots()
    newest = snapshots[snapshots["state"] == SnapshotState.PUBLISHED.value].iloc[-1]
    target = open_repository(workspace.settings, workspace.dataset)
    try:
        read_back(target, str(newest["name"]), str(newest["commit"]), str(newest["manifest_sha256"]))
    except NotWhole as error:
        workspace.ledger.damage_snapshot(str(newest["name"]), str(error))
        raise


def _by_archive(workspace: Workspace, days: int) -> dict[str, int]:
    counted: dict[str, int] = {}
    for row in workspace.ledger.sessions_to_clean(days):
        counted[row["archive"]] = counted.get(row["archive"], 0) + 1
    return counted


def _delete(workspace: Workspace, days: int, tell: Callable[[str], None]) -> dict[str, int]:
    """Volume by volume: look at it again, then delete what it holds. Gives how many sessions of which archive were cleaned."""
    began = time.monotonic()
    place = open_place(workspace)
    volumes = workspace.ledger.archive_volumes()
    cleaned: dict[str, int] = {}
    rows = workspace.ledger.sessions_to_clean(days)
    for (archive, name), of_volume in groupby(rows, key=lambda row: (str(row["archive"]), str(row["volume"]))):
        tell(f"looking at {archive}/{name} again")
        check_volume(place, volumes[archive, name])
        for batch in _batches(of_volume):
            cleaned[archive] = cleaned.get(archive, 0) + _delete_batch(workspace, days, batch)
            tell(f"deleted the raw objects of {sum(cleaned.values())} sessions")
    if cleaned:
        log.info("cleaned %d sessions in %.1f s", sum(cleaned.values()), time.monotonic() - began)
    return cleaned


def check_volume(place: ArchivePlace, proven: VolumeFacts) -> None:
    """Look whether a volume is there and still the one that was proven. Raises ArchiveError, after an alarm, if not."""
    where = place.where(proven.archive, proven.volume)
    held = place.listed(proven.archive).get(proven.volume)
    found: tuple[int, str] | None = None
    if held is not None and held.bytes == proven.bytes:
        found = held.bytes, held.sha256 or _hash(place, proven)
    if found != (proven.bytes, proven.sha256):
        shown = "is not there" if held is None else f"has {held.bytes} bytes{f' and SHA-256 {found[1]}' if found else ''}"
        log.error("%s %s: the archive is damaged; cleaning stops", where, shown)
        raise ArchiveError(
            f"{where}: {shown}; proven were {proven.bytes} bytes and SHA-256 {proven.sha256}. Nothing that it holds was deleted "
            "now: bring the file back from a version or a copy of it, then clean again"
        )


def _hash(place: ArchivePlace, proven: VolumeFacts) -> str:
    digest = hashlib.sha256()
    for piece in place.pieces(proven.archive, proven.volume):
        digest.update(piece)
    return digest.hexdigest()


def _batches(rows: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Sessions until they have OBJECTS_AT_ONCE objects, the last included."""
    batch: list[Mapping[str, Any]] = []
    objects = 0
    for row in rows:
        if batch and objects + int(row["objects"]) > OBJECTS_AT_ONCE:
            yield batch
            batch, objects = [], 0
        batch.append(row)
        objects += int(row["objects"])
    if batch:
        yield batch


def _delete_batch(workspace: Workspace, days: int, batch: list[Mapping[str, Any]]) -> int:
    with workspace.ledger.removing_raw():
        # Asked again: a session may have been put in quarantine meanwhile, or taken into another dataset.
        still = workspace.ledger.still_to_clean(days, [str(row["session"]) for row in batch])
        prefixes = {str(row["session"]): str(row["prefix"]) for row in batch if row["session"] in still}
        allowed = tuple(f"raw/{kind}/" for kind in CLEANED_KINDS)
        if not all(prefix.startswith(allowed) for prefix in prefixes.values()):
            raise ArchiveError(
                f"found sessions outside {', '.join(allowed)}: {sorted(prefixes.values())[:3]}; nothing was deleted"
            )
        files = workspace.ledger.raw_files(list(prefixes))
        # The manifest goes first, as it came last: a session without one has not arrived, whatever files a kill leaves there.
        workspace.storage.erase(
            [f"{prefix}{MANIFEST_NAME}" for prefix in prefixes.values()],
            [f"{prefixes[session]}{path}" for session, path in zip(files["session"], files["path"], strict=True)],
        )
        workspace.ledger.note_cleaned(prefixes)
    return len(prefixes)
