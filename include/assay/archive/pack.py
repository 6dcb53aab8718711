"""Raw sessions into volumes: read from raw storage in the order of their keys, a few at a time, and written as they come."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import orjson
import pandas as pd

from assay.archive.index import ACCEPTED, KEPT_OUT, Line
from assay.archive.tar import TarWriter
from assay.dataset.redact import redact
from assay.session import MANIFEST_NAME, Manifest, RawFile, SessionKind, Source
from assay.storage import Storage, StoredObject
from assay.workspace import Workspace

VOLUME_BYTES = 1_800_000_000
"""A volume is closed at this size: a file of a release on GitHub may have 2 GiB. It holds one batch of sessions at least."""

OBJECTS_AT_ONCE = 1_000
BYTES_AT_ONCE = 32 * 1024 * 1024
"""What is read ahead; a session that is larger is read piece by piece."""

log = logging.getLogger(__name__)


@dataclass
class Waiting:
    """A session that is to be packed, as the ledger knows it, and the objects that lie below its prefix."""

    row: Mapping[str, Any]
    objects: list[StoredObject]
    files: dict[str, RawFile] = field(default_factory=dict)

    def paths(self) -> list[str]:
        """The objects by their path in the session, the manifest first: whoever unpacks needs it to prove the others."""
        prefix = str(self.row["prefix"])
        return sorted((one.key.removeprefix(prefix) for one in self.objects), key=lambda path: (path != MANIFEST_NAME, path))


def batches(workspace: Workspace, rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Waiting]]:
    """The sessions with their objects, in the order given (that of their keys), some at a time; one listing a day."""
    batch: list[Waiting] = []
    objects = size = 0
    for row, found in with_objects(workspace.storage, rows):
        batch.append(Waiting(row, found))
        objects += len(found)
        size += sum(one.size for one in found)
        if objects >= OBJECTS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield _with_files(workspace, batch)
            batch, objects, size = [], 0, 0
    if batch:
        yield _with_files(workspace, batch)


def with_objects(storage: Storage, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], list[StoredObject]]]:
    """Rows of the ledger, sorted by prefix, with what lies below each."""
    for day, of_day in groupby(rows, key=lambda row: str(row["prefix"]).rstrip("/").rpartition("/")[0]):
        listed = storage.list(day)
        one = next(listed, None)
        for row in of_day:
            prefix, found = str(row["prefix"]), []
            while one is not None and (one.key < prefix or one.key.startswith(prefix)):
                if one.key.startswith(prefix):
                    found.append(one)
                one = next(listed, None)
            yield row, found


def pack(storage: Storage, batch: list[Waiting], tar: TarWriter, archive: str, volume: str) -> Iterator[Line]:
    """Append the sessions to a volume, and give the line of each."""
    small = [each for each in batch if sum(one.size for one in each.objects) <= BYTES_AT_ONCE]
    content = dict(storage.read_many(one.key for each in small for one in each.objects))
    for waiting in batch:
        prefix = str(waiting.row["prefix"])
        sizes = {one.key: one.size for one in waiting.objects}
        hashes: dict[str, str] = {}
        for path in waiting.paths():
            key = prefix + path
            data = content.pop(key, None)
            pieces = storage.chunks(key) if data is None else (data,)
            hashes[path] = tar.add(key, sizes[key] if data is None else len(data), pieces)
        yield _line(waiting, hashes, archive, volume)


def held_line(row: Mapping[str, Any]) -> Line:
    """The line of a session that an earlier archive holds."""
    return Line(
        session=str(row["session"]),
        prefix=str(row["prefix"]),
        manifest_sha256=str(row["manifest_sha256"]),
        source_file=redact(str(row["source_file"])),
        verdict=ACCEPTED if row["accepted"] else KEPT_OUT,
        archive=str(row["archive"]),
        volume=str(row["volume"]),
        objects=int(row["objects"]),
        bytes=int(row["bytes"]),
    )


def _line(waiting: Waiting, hashes: Mapping[str, str], archive: str, volume: str) -> Line:
    row = waiting.row
    listed = {path: file.sha256 for path, file in waiting.files.items()} | {MANIFEST_NAME: str(row["manifest_sha256"])}
    whole = hashes == listed
    if not whole:
        wrong = sorted(path for path in {*hashes, *listed} if hashes.get(path) != listed.get(path))
        log.warning(
            "session %s: what lies in raw storage is not what its manifest lists (%s): archived as it lies, never cleaned",
            row["session"],
            ", ".join(wrong[:3]),
        )
    return Line(
        session=str(row["session"]),
        prefix=str(row["prefix"]),
        manifest_sha256=str(row["manifest_sha256"]),
        source_file=redact(str(row["source_file"])),
        verdict=ACCEPTED if row["accepted"] else KEPT_OUT,
        archive=archive,
        volume=volume,
        objects=len(waiting.objects),
        bytes=sum(one.size for one in waiting.objects),
        found=None if whole else dict(hashes),
        registered=None if whole else _registered(waiting),
    )


def _registered(waiting: Waiting) -> dict[str, Any]:
    """The manifest that the session was registered with, from the ledger."""
    row = waiting.row
    source = Source(*(str(row[name]) for name in ("source", "source_version", "licence", "attribution", "url")))
    manifest = Manifest(
        kind=SessionKind(row["kind"]),
        subject=str(row["subject"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        source=source,
        files=tuple(sorted(waiting.files.values())),
        labels=dict(row["labels"]),
    )
    document: dict[str, Any] = orjson.loads(manifest.to_bytes())
    return document


def _with_files(workspace: Workspace, batch: list[Waiting]) -> list[Waiting]:
    files: pd.DataFrame = workspace.ledger.raw_files([str(waiting.row["session"]) for waiting in batch])
    by_session = {str(waiting.row["session"]): waiting for waiting in batch}
    for session, path, size, digest in zip(*(files[name] for name in ("session", "path", "size", "sha256")), strict=True):
        by_session[str(session)].files[str(path)] = RawFile(str(path), int(size), str(digest))
    return batch
