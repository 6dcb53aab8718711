"""Proves an archive by reading it back from its place: every byte of it hashed, every file compared with what the ledger knows.

Only an archive that was proven is entered in the ledger, and only what is entered there is ever cleaned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import pandas as pd

from assay.archive.index import ACCEPTED, INDEX, MAX_INDEX_BYTES, SESSIONS, Index, Line, Volume, parse_index, read_lines
from assay.archive.place import ArchivePlace
from assay.archive.tar import Content, Member, members
from assay.database.archives import VolumeFacts
from assay.errors import ArchiveError
from assay.session import MANIFEST_NAME
from assay.workspace import Workspace

SESSIONS_AT_ONCE = 500

Expected: TypeAlias = tuple[str | None, dict[str, str]]
"""A session's prefix and the hashes of its files by path; None after the last."""
_NOTED_COLUMNS = ["session", "archive", "volume", "whole", "objects", "bytes"]


@dataclass(frozen=True)
class Proven:
    """An archive that was read back and is right."""

    index: Index
    sessions: int


def read_index(place: ArchivePlace, dataset: str, snapshot: str) -> tuple[Index, str]:
    """The index of a snapshot's archive and its SHA-256. Raises ArchiveError if it is not there, or that of another snapshot."""
    raw = place.read(snapshot, INDEX, MAX_INDEX_BYTES)
    where = place.where(snapshot, INDEX)
    index = parse_index(raw, where)
    if (index.dataset, index.snapshot) != (dataset, snapshot):
        raise ArchiveError(
            f"{where}: is of dataset {index.dataset!r}, snapshot {index.snapshot!r}; expected {dataset!r}, {snapshot!r}"
        )
    return index, hashlib.sha256(raw).hexdigest()


def index_lines(place: ArchivePlace, index: Index) -> Iterator[Line]:
    """The sessions of an index, from its place."""
    where = place.where(index.snapshot, SESSIONS)
    return read_lines(Content(place.pieces(index.snapshot, SESSIONS), where, index.sessions.packed))


def volume_content(place: ArchivePlace, volume: Volume) -> Content:
    """A volume's bytes, unpacked, from its place."""
    name = volume.file.file
    return Content(place.pieces(volume.archive, name), place.where(volume.archive, name), volume.file.packed)


def verify_archive(workspace: Workspace, place: ArchivePlace, snapshot: str, manifest_sha256: str) -> Proven:
    """Read a snapshot's archive back, and enter it in the ledger if everything is right.

    Volumes that were entered before are not read again. Raises ArchiveError with the file that is missing or different; then
    nothing is entered.
    """
    index, digest = read_index(place, workspace.dataset, snapshot)
    if index.manifest.sha256 != manifest_sha256:
        raise ArchiveError(
            f"{place.where(snapshot, INDEX)}: is of a snapshot whose manifest has SHA-256 {index.manifest.sha256}; published was "
            f"{manifest_sha256}: move that archive away, then archive again"
        )
    known = workspace.ledger.archive_volumes()
    sessions = accepted = 0
    for line in index_lines(place, index):
        sessions, accepted = sessions + 1, accepted + (line.verdict == ACCEPTED)
        if index.volume(line.archive, line.volume) is None:
            raise ArchiveError(f"{place.where(snapshot, SESSIONS)}: session {line.session} lies in a volume that is not listed")
    if (accepted, sessions - accepted) != (index.accepted, index.kept_out):
        raise ArchiveError(f"{place.where(snapshot, SESSIONS)}: holds {sessions} sessions; the index says otherwise")
    if index.previous is not None:
        Content(
            place.pieces(snapshot, index.previous.documents.file),
            place.where(snapshot, index.previous.documents.file),
            index.previous.documents.packed,
        ).finish()
    for volume in index.volumes:
        noted = known.get((volume.archive, volume.file.file))
        if noted is None:
            _prove(workspace, place, index, volume)
        elif noted != _facts(volume):
            raise ArchiveError(
                f"{place.where(snapshot, INDEX)}: says of volume {volume.archive}/{volume.file.file} what it was not when it was "
                "proven: move that archive away, then archive again"
            )
    enter(workspace, place, snapshot, index, digest)
    return Proven(index, sessions)


def enter(workspace: Workspace, place: ArchivePlace, snapshot: str, index: Index, digest: str) -> None:
    """Enter an archive that was proven in the ledger; `digest`: the SHA-256 of its index."""
    workspace.ledger.note_archive(
        snapshot,
        place=place.name,
        index_sha256=digest,
        volumes=[_facts(volume) for volume in index.volumes],
        sessions=_note_columns(index_lines(place, index)),
    )


def _facts(volume: Volume) -> VolumeFacts:
    file = volume.file
    return VolumeFacts(volume.archive, file.file, file.bytes, file.sha256, file.content_bytes, volume.sessions, volume.objects)


def _prove(workspace: Workspace, place: ArchivePlace, index: Index, volume: Volume) -> None:
    """Compare every file of a volume with what the ledger knows. Raises ArchiveError at the first that differs."""
    where = place.where(volume.archive, volume.file.file)
    lines = (line for line in index_lines(place, index) if (line.archive, line.volume) == (volume.archive, volume.file.file))
    expected = _expected(workspace, where, lines)
    end: Expected = (None, {})
    prefix, wanted = next(expected, end)
    for member in members(volume_content(place, volume)):
        while prefix is not None and not wanted and not member.name.startswith(prefix):
            prefix, wanted = next(expected, end)
        _compare(where, member, prefix, wanted)
    missing = wanted or next((left for _, left in expected if left), {})
    if missing:
        raise ArchiveError(f"{where}: lacks {min(missing)} of a session that the index says is in it, at or after {prefix}")


def _compare(where: str, member: Member, prefix: str | None, wanted: dict[str, str]) -> None:
    digest = hashlib.sha256()
    for piece in member.pieces:
        digest.update(piece)
    if prefix is None or not member.name.startswith(prefix):
        # Of a session that this snapshot does not have, in the volume of an earlier one.
        return
    listed = wanted.pop(member.name.removeprefix(prefix), None)
    if listed != digest.hexdigest():
        raise ArchiveError(f"{where}: {member.name} has SHA-256 {digest.hexdigest()}; expected {listed or 'no such file'}")


def _expected(workspace: Workspace, where: str, lines: Iterable[Line]) -> Iterator[Expected]:
    """Prefix and hashes by path of every session that lies in a volume, in order."""
    waiting = iter(lines)
    while some := list(islice(waiting, SESSIONS_AT_ONCE)):
        files = workspace.ledger.raw_files([line.session for line in some])
        known = workspace.ledger.manifests([line.session for line in some])
        by_session: dict[str, dict[str, str]] = {}
        for session, path, digest in zip(files["session"], files["path"], files["sha256"], strict=True):
            by_session.setdefault(str(session), {})[str(path)] = str(digest)
        for line in some:
            if known.get(line.session) != (line.prefix, line.manifest_sha256):
                raise ArchiveError(f"{where}: session {line.session} is not the one of the ledger: {known.get(line.session)}")
            listed = {**by_session.get(line.session, {}), MANIFEST_NAME: line.manifest_sha256}
            yield line.prefix, listed if line.found is None else dict(line.found)


def _note_columns(lines: Iterable[Line]) -> Iterator[pd.DataFrame]:
    """The sessions of an index as the ledger takes them."""
    waiting = iter(lines)
    while some := list(islice(waiting, SESSIONS_AT_ONCE)):
        rows = [(line.session, line.archive, line.volume, line.whole, line.objects, line.bytes) for line in some]
        yield pd.DataFrame(rows, columns=_NOTED_COLUMNS)
