"""Raw sessions out of an archive, back into raw storage and the ledger.

What is in an archive is input from outside: names, sizes and hashes are checked before anything is stored, and the manifest of a
session is stored last, as when it arrived.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from assay.archive.index import Index, Line, Volume
from assay.archive.place import ArchivePlace
from assay.archive.tar import Member, members
from assay.archive.verify import index_lines, volume_content
from assay.database.arrivals import Arrival
from assay.dataset.redact import redact
from assay.errors import ArchiveError, ManifestError
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, raw_prefix
from assay.workspace import Workspace

OBJECTS_AT_ONCE = 1_000
BYTES_AT_ONCE = 32 * 1024 * 1024
"""What is held before it is stored; the files of a session that is larger go over the disk."""

STORED_AT_ONCE = 16
_PREFIX_PARTS = 6
"""raw/<kind>/<yyyy>/<mm>/<dd>/<session>"""


@dataclass
class Unpacked:
    """A session on its way: what its index and its manifest say, and the files that were read and are not stored yet."""

    line: Line
    manifest: Manifest
    missing: dict[str, str]
    sizes: dict[str, int]
    files: list[tuple[str, bytes | Path, str]] = field(default_factory=list)
    last: bytes | None = None
    held: int = 0


@dataclass
class Stored:
    """How much was brought back."""

    sessions: int = 0
    objects: int = 0
    bytes: int = 0


def unpack(workspace: Workspace, place: ArchivePlace, index: Index, scratch: Path) -> Iterator[Stored]:
    """Store and register every session of an index; tells after each batch how much that is by now.

    What is there already stays. Raises ArchiveError where an archive does not hold what its index says, StorageConflict where raw
    storage holds other bytes.
    """
    stored = Stored()
    by_volume: dict[tuple[str, str], dict[str, Line]] = {}
    for line in index_lines(place, index):
        by_volume.setdefault((line.archive, line.volume), {})[line.prefix] = line
    for key, lines in by_volume.items():
        volume = index.volume(*key)
        if volume is None:
            raise ArchiveError(f"{place.where(index.snapshot, '')}: sessions lie in {'/'.join(key)}, which is not listed")
        for batch in _batches(_sessions(place, index, volume, lines, scratch)):
            _store(workspace, batch, f"restore {index.snapshot}")
            stored.sessions += len(batch)
            stored.objects += sum(each.line.objects for each in batch)
            stored.bytes += sum(each.line.bytes for each in batch)
            yield stored


def _sessions(place: ArchivePlace, index: Index, volume: Volume, lines: dict[str, Line], scratch: Path) -> Iterator[Unpacked]:
    """The sessions of a volume, each complete and with every hash right."""
    where = place.where(volume.archive, volume.file.file)
    for empty in [line for line in lines.values() if not line.objects]:
        yield _begin(index, lines.pop(empty.prefix), None, where)
    current: Unpacked | None = None
    for member in members(volume_content(place, volume)):
        prefix = "/".join(member.name.split("/")[:_PREFIX_PARTS]) + "/"
        if current is None or current.line.prefix != prefix:
            if current is not None:
                yield _complete(current, where)
                current = None
            line = lines.pop(prefix, None)
            if line is None:  # of a session that this snapshot does not have
                for _ in member.pieces:
                    pass
                continue
            current = _begin(index, line, member, where)
            if current.last is not None:
                continue
        _take(current, member, member.name.removeprefix(prefix), where, scratch)
    if current is not None:
        yield _complete(current, where)
    if lines:
        raise ArchiveError(f"{where}: lacks {len(lines)} sessions that the index says are in it, such as {min(lines)}")


def _begin(index: Index, line: Line, member: Member | None, where: str) -> Unpacked:
    """A session from its first file, the manifest; where that was not what it should be, from what the index says instead."""
    at = f"{where}: session {line.session}"
    if line.found is not None:
        raw = orjson.dumps(line.registered)
        manifest, missing, sizes, last = _parse(raw, at), dict(line.found), {}, None
    else:
        if member is None or member.name != line.prefix + MANIFEST_NAME or member.size > MAX_MANIFEST_BYTES:
            raise ArchiveError(f"{at}: begins with {member.name if member else 'nothing'}; expected its manifest")
        last = b"".join(member.pieces)
        if hashlib.sha256(last).hexdigest() != line.manifest_sha256:
            raise ArchiveError(f"{at}: its manifest has SHA-256 {hashlib.sha256(last).hexdigest()}; the index says otherwise")
        manifest = _parse(last, at)
        missing = {file.path: file.sha256 for file in manifest.files}
        sizes = {file.path: file.size for file in manifest.files}
    if (manifest.session, raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)) != (line.session, line.prefix):
        raise ArchiveError(f"{at}: its manifest is of {manifest.session}; the index says {line.prefix}")
    return Unpacked(line, replace(manifest, dataset=index.dataset), missing, sizes, last=last)


def _parse(raw: bytes, where: str) -> Manifest:
    try:
        return Manifest.parse(raw, where)
    except ManifestError as error:
        raise ArchiveError(f"{error}; expected the manifest that was archived") from None


def _take(session: Unpacked, member: Member, path: str, where: str, scratch: Path) -> None:
    """Read a file of a session. Raises ArchiveError if it is not one of those that belong there."""
    expected = session.missing.pop(path, None)
    if expected is None or session.sizes.get(path, member.size) != member.size:
        raise ArchiveError(f"{where}: {member.name} with {member.size} bytes is not what the session's manifest lists")
    digest = hashlib.sha256()
    content: bytes | Path
    if session.held + member.size <= BYTES_AT_ONCE:
        session.held += member.size
        content = b"".join(member.pieces)
        digest.update(content)
    else:
        with tempfile.NamedTemporaryFile(dir=scratch, delete=False) as file:
            for piece in member.pieces:
                digest.update(piece)
                file.write(piece)
        content = Path(file.name)
    if digest.hexdigest() != expected:
        raise ArchiveError(f"{where}: {member.name} has SHA-256 {digest.hexdigest()}; expected {expected}")
    session.files.append((path, content, expected))


def _complete(session: Unpacked, where: str) -> Unpacked:
    if session.missing:
        raise ArchiveError(f"{where}: session {session.line.session} lacks {', '.join(sorted(session.missing)[:3])}")
    return session


def _batches(sessions: Iterator[Unpacked]) -> Iterator[list[Unpacked]]:
    batch: list[Unpacked] = []
    objects = size = 0
    for session in sessions:
        batch.append(session)
        objects += len(session.files) + 1
        size += sum(len(content) for _, content, _ in session.files if isinstance(content, bytes))
        if objects >= OBJECTS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, objects, size = [], 0, 0
    if batch:
        yield batch


def _store(workspace: Workspace, batch: list[Unpacked], run: str) -> None:
    """Files first, manifests then, and then the ledger."""

    def write(given: tuple[str, bytes | Path, str]) -> None:
        key, content, digest = given
        workspace.storage.write_once(key, content, digest)
        if isinstance(content, Path):
            content.unlink()

    with workspace.ledger.keeping_raw():
        with ThreadPoolExecutor(STORED_AT_ONCE, thread_name_prefix="assay-restore") as pool:
            files = [(each.line.prefix + path, *rest) for each in batch for path, *rest in each.files]
            list(pool.map(write, files))
            whole = [
                (each.line.prefix + MANIFEST_NAME, each.last, each.line.manifest_sha256)
                for each in batch
                if each.last is not None
            ]
            list(pool.map(write, whole))
        workspace.ledger.register_many(
            Arrival(each.manifest, each.line.manifest_sha256, each.line.prefix, _source_file(each), run) for each in batch
        )
        workspace.ledger.note_restored(each.line.session for each in batch)


def _source_file(session: Unpacked) -> str:
    """Where it was imported from: the manifest's own word for it, if the index says the same without what must not be told."""
    labels: Mapping[str, str] = session.manifest.labels
    said = labels.get("source_file", "")
    return said if redact(said) == session.line.source_file else session.line.source_file
