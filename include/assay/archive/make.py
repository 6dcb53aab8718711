"""Packs the raw sessions of a published snapshot, puts them where archives lie, and proves them by reading them back from there.

Killed anywhere and run again it ends in the same place: the same sessions give the same bytes, the index comes last, and the
ledger knows nothing of an archive that was not read back.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.archive.facts import Facts, gather_facts
from assay.archive.index import (
    ACCEPTED,
    FORMAT,
    INDEX,
    PREVIOUS,
    SESSIONS,
    Before,
    File,
    Index,
    Line,
    LineWriter,
    Volume,
    volume_name,
)
from assay.archive.pack import VOLUME_BYTES, Waiting, batches, held_line, pack
from assay.archive.place import ArchivePlace, open_place
from assay.archive.tar import COMPRESSION, Packed, TarWriter
from assay.archive.verify import Proven, verify_archive
from assay.database.words import SnapshotState
from assay.errors import ArchiveError
from assay.publish.repository import open_repository
from assay.session import hash_file
from assay.workspace import Workspace

LOCK = "archive"

Tell = Callable[[str], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archived:
    """An archive that was made or found and is proven: of a snapshot's `sessions`, `packed` lie in its own volumes.

    `bytes`, `content_bytes`: of its own volumes, packed and unpacked.
    """

    snapshot: str
    place: str
    sessions: int
    packed: int
    volumes: int
    bytes: int
    content_bytes: int


def archive_published(
    workspace: Workspace, tell: Tell = lambda doing: None, *, volume_bytes: int = VOLUME_BYTES
) -> list[Archived]:
    """Archive every published snapshot that has no proven archive yet, oldest first; gives what was made.

    Raises ArchiveError if what is read back is not what was put there: then nothing is noted, and nothing is cleaned.
    """
    with workspace.ledger.lock(LOCK):
        snapshots = workspace.ledger.snapshots()
        done = set(workspace.ledger.archives()["snapshot"])
        published = snapshots[(snapshots["state"] == SnapshotState.PUBLISHED.value) & ~snapshots["name"].isin(done)]
        return [
            _archive(workspace, str(name), str(commit), str(manifest), tell, volume_bytes)
            for name, commit, manifest in zip(published["name"], published["commit"], published["manifest_sha256"], strict=True)
        ]


def _archive(workspace: Workspace, snapshot: str, commit: str, manifest: str, tell: Tell, volume_bytes: int) -> Archived:
    began = time.monotonic()
    place = open_place(workspace)
    if INDEX not in place.listed(snapshot):
        tell(f"snapshot {snapshot}: looking at what was published")
        facts = gather_facts(workspace, open_repository(workspace.settings, workspace.dataset), snapshot, commit, manifest)
        with _staging(workspace) as folder:
            _Maker(workspace, place, facts, folder, tell, volume_bytes).make()
    tell(f"snapshot {snapshot}: reading the archive back")
    made = _summary(verify_archive(workspace, place, snapshot, manifest), place)
    log.info(
        "snapshot %s: archived %d of its %d sessions in %d volumes (%.1f MB, unpacked %.1f MB) and read them back in %.1f s: %s",
        *(snapshot, made.packed, made.sessions, made.volumes, made.bytes / 1e6, made.content_bytes / 1e6),
        *(time.monotonic() - began, place.name),
    )
    return made


def _summary(proven: Proven, place: ArchivePlace) -> Archived:
    own = [volume for volume in proven.index.volumes if volume.archive == proven.index.snapshot]
    return Archived(
        snapshot=proven.index.snapshot,
        place=place.name,
        sessions=proven.sessions,
        packed=sum(volume.sessions for volume in own),
        volumes=len(own),
        bytes=sum(volume.file.bytes for volume in own),
        content_bytes=sum(volume.file.content_bytes for volume in own),
    )


@contextlib.contextmanager
def _staging(workspace: Workspace) -> Iterator[Path]:
    """A folder for what is on its way, a volume at a time; what a run that was killed left in it is removed first."""
    folder = workspace.settings.home / "archiving" / workspace.dataset
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Maker:
    """One archive on its way: what was put in its place already."""

    def __init__(
        self, workspace: Workspace, place: ArchivePlace, facts: Facts, folder: Path, tell: Tell, volume_bytes: int
    ) -> None:
        self.workspace, self.place, self.facts, self.folder = workspace, place, facts, folder
        self.tell, self.volume_bytes = tell, volume_bytes
        self.volumes: list[Volume] = []
        self.sessions = self.accepted = 0

    def make(self) -> None:
        """Put everything in its place, the index last."""
        with LineWriter(self.folder / SESSIONS) as writer:
            for lines in (self._held(), self._packed()):
                for line in lines:
                    self.sessions += 1
                    self.accepted += line.verdict == ACCEPTED
                    writer.add(line)
        if self.accepted != self.facts.accepted:
            raise ArchiveError(
                f"snapshot {self.facts.snapshot}: the ledger knows {self.accepted} sessions that went in, the published "
                f"{self.facts.accepted}; nothing was archived"
            )
        index = self._index(self._put(SESSIONS, writer.packed), self._previous())
        path = self.folder / INDEX
        path.write_bytes(index.to_bytes())
        self.place.put(self.facts.snapshot, INDEX, path, hash_file(path))

    def _held(self) -> Iterator[Line]:
        """The sessions that a proven archive holds."""
        used: dict[tuple[str, str], None] = {}
        for row in self.workspace.ledger.sessions_of_snapshot(self.facts.snapshot, self.facts.held, archived=True):
            used[str(row["archive"]), str(row["volume"])] = None
            yield held_line(row)
        known = self.workspace.ledger.archive_volumes()
        for archive, name in sorted(used):
            found = known[archive, name]
            file = File(name, found.bytes, found.sha256, found.content_bytes)
            self.volumes.append(Volume(archive, file, found.sessions, found.objects))

    def _packed(self) -> Iterator[Line]:
        """The other sessions of the snapshot, packed as they come; a volume is in its place before the next begins."""
        rows = self.workspace.ledger.sessions_of_snapshot(self.facts.snapshot, self.facts.held, archived=False)
        waiting = batches(self.workspace, rows)
        batch = next(waiting, None)
        number = sessions = 0
        while batch is not None:
            number += 1
            name = volume_name(number)
            lines = objects = 0
            with TarWriter(self.folder / name) as tar:
                while batch is not None:
                    for line in self._pack(batch, tar, name):
                        lines, objects = lines + 1, objects + line.objects
                        yield line
                    sessions += len(batch)
                    self.tell(f"snapshot {self.facts.snapshot}: packed {sessions} sessions")
                    batch = next(waiting, None)
                    if tar.compressed_bytes >= self.volume_bytes:
                        break
            self.tell(f"snapshot {self.facts.snapshot}: storing volume {number}")
            self.volumes.append(Volume(self.facts.snapshot, self._put(name, tar.packed), lines, objects))

    def _pack(self, batch: list[Waiting], tar: TarWriter, name: str) -> Iterator[Line]:
        return pack(self.workspace.storage, batch, tar, self.facts.snapshot, name)

    def _previous(self) -> Before | None:
        if not self.facts.previous:
            return None
        with TarWriter(self.folder / PREVIOUS) as tar:
            for name, data in sorted(self.facts.compared.items()):
                tar.add(name, len(data), (data,))
        return Before(self.facts.previous, self._put(PREVIOUS, tar.packed))

    def _put(self, name: str, packed: Packed | None) -> File:
        """Put a finished file in its place; the staging folder holds it no longer."""
        assert packed is not None
        path = self.folder / name
        self.place.put(self.facts.snapshot, name, path, packed.sha256)
        path.unlink()
        return File.of(name, packed)

    def _index(self, sessions: File, previous: Before | None) -> Index:
        facts = self.facts
        return Index(
            format=FORMAT,
            dataset=self.workspace.dataset,
            snapshot=facts.snapshot,
            commit=facts.commit,
            licence=facts.licence,
            compression=COMPRESSION,
            content_digest=facts.content_digest,
            manifest=facts.manifest,
            documents=facts.documents,
            history=facts.history,
            accepted=self.accepted,
            kept_out=self.sessions - self.accepted,
            rejected=facts.rejected,
            cost_region=facts.cost_region,
            max_raw_file_bytes=self.workspace.settings.max_raw_file_bytes,
            prices=facts.prices,
            decisions=facts.decisions,
            rejections=facts.rejections,
            sessions=sessions,
            previous=previous,
            volumes=self.volumes,
        )
