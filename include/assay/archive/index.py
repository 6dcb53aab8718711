"""The index of an archive: everything that a snapshot's documents need and raw files do not tell, and where every raw file lies.

    <place>/<dataset>/<snapshot>/index.json          written last: its arrival means complete
                                 sessions.jsonl.zst  a line for every session of the snapshot, and the volume that holds it
                                 previous.tar.zst    the documents that changes.json compares with, if there was a snapshot before
                                 raw-001.tar.zst ... the raw sessions that no earlier archive holds

It holds no time of its own and no name of a machine: the same snapshot gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from assay.archive.tar import Compressed, Content, Packed, lines
from assay.dataset.encode import to_json
from assay.errors import ArchiveError

FORMAT = 1
INDEX, SESSIONS, PREVIOUS = "index.json", "sessions.jsonl.zst", "previous.tar.zst"
ACCEPTED, KEPT_OUT = "accepted", "kept out"
MAX_INDEX_BYTES = 512 * 1024 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024


def volume_name(number: int) -> str:
    """The file name of an archive's n-th volume, from 1."""
    return f"raw-{number:03}.tar.zst"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of an archive: its size, its SHA-256, and how many bytes it unpacks to."""

    file: str
    bytes: int
    sha256: str
    content_bytes: int

    @classmethod
    def of(cls, name: str, packed: Packed) -> File:
        """From what was packed."""
        return cls(name, packed.bytes, packed.sha256, packed.content_bytes)

    @property
    def packed(self) -> Packed:
        """What it must be when it is read."""
        return Packed(self.bytes, self.sha256, self.content_bytes)


class Volume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tar of raw sessions, and the snapshot in whose archive it lies."""

    archive: str
    file: File
    sessions: int
    objects: int


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published file as the snapshot's manifest lists it."""

    path: str
    bytes: int
    sha256: str


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person decided about a session."""

    session: str
    decision: str
    who: str
    why: str


class Rejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes that could not form a session; they are no part of the archive."""

    source_file: str
    sha256: str
    reason: str


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an hour cost when the snapshot was built, as PRICE_COLUMNS."""

    instance: str
    region: str
    hourly_price: float | None
    reason: str | None
    source: str | None
    as_of: str | None


class Before(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The snapshot before, and the file with those of its documents that the next one is compared with."""

    snapshot: str
    documents: File


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an archive says of its snapshot.

    `accepted`: sessions that went in. `kept_out`: sessions that a rule or a person kept out; their raw files are in the archive
    too, because rules look across sessions. `rejected`: what the snapshot's accounting counts so.
    """

    format: int
    dataset: str
    snapshot: str
    commit: str
    licence: str
    compression: str
    content_digest: str
    manifest: Document
    documents: list[Document]
    history: list[Document]
    accepted: int
    kept_out: int
    rejected: int
    cost_region: str
    max_raw_file_bytes: int
    prices: list[Price]
    decisions: list[Decision]
    rejections: list[Rejection]
    sessions: File
    previous: Before | None
    volumes: list[Volume]

    def to_bytes(self) -> bytes:
        """As JSON, keys sorted."""
        return to_json(msgspec.to_builtins(self))

    def volume(self, archive: str, name: str) -> Volume | None:
        """The volume of that name in that archive; None if the index does not know it."""
        return next((each for each in self.volumes if (each.archive, each.file.file) == (archive, name)), None)


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A session of the snapshot: where it lay in raw storage, and in which volume of which archive it lies.

    `found`: only where what lay there is not what its manifest lists: the SHA-256 of every object that did, by path.
    `registered`: then also the manifest that it was registered with.
    """

    session: str
    prefix: str
    manifest_sha256: str
    source_file: str
    verdict: str
    archive: str
    volume: str
    objects: int
    bytes: int
    found: dict[str, str] | None = None
    registered: dict[str, Any] | None = None

    @property
    def whole(self) -> bool:
        """Whether the archive holds the session as its manifest lists it, and nothing beside."""
        return self.found is None


class LineWriter(Compressed):
    """The lines of an index into a compressed file."""

    def __enter__(self) -> LineWriter:
        super().__enter__()
        return self

    def add(self, line: Line) -> None:
        """Append a line."""
        self.write(msgspec.json.encode(line, order="deterministic") + b"\n")


def parse_index(raw: bytes, where: str) -> Index:
    """Read an index that came from outside. Raises ArchiveError with the field that is missing or wrong."""
    try:
        index = msgspec.json.decode(raw, type=Index)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ArchiveError(f"{where}: is no index of an archive: {error}") from None
    if index.format != FORMAT:
        raise ArchiveError(f"{where}: format: found {index.format}; this version of Assay reads {FORMAT}")
    return index


def read_lines(content: Content) -> Iterator[Line]:
    """The sessions of an index, in the order of their prefixes. Raises ArchiveError at a line that is none."""
    decoder = msgspec.json.Decoder(Line)
    for raw in lines(content, MAX_LINE_BYTES):
        try:
            yield decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ArchiveError(f"{content.where}: a line is no session of an index: {error}") from None
