"""What somebody without credentials may be handed: signed requests, each good for one content under one key, for a short time.

A request binds the key, the size, the SHA-256 and `If-None-Match: *`, so that nothing that is there can be replaced and nothing
else can be put. A large file goes up in parts: each part is bound to its size and hash, and whoever holds the credentials
completes the upload under the same condition. S3 answers these requests itself; for a local folder the ingestion API does.
"""

from __future__ import annotations

import base64
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from assay.errors import AssayError, StorageConflict

PART_BYTES = 16 * 1024 * 1024
"""A file up to this size goes up in one request; a larger one in parts of this size, or larger ones for more than 160 GB."""

MAX_PARTS = 10_000
_PIECE = 1024 * 1024
SIGNED_FOR_S = 900


class UploadGone(AssayError):
    """An upload in parts is not known: it was completed, or taken back after days without progress."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that may be made once by whoever has it; a URL without a scheme is relative to the API that gave it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One part of a large file: number from 1, size in bytes, SHA-256 as hex."""

    number: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What the store itself says of an object: size, and the hash as `whole_checksum` or `parts_checksum` give it."""

    size: int
    checksum: str


class UploadStore(ABC):
    """Signs requests, and completes what they brought. Every method may be called from several threads at once."""

    @abstractmethod
    def put(self, key: str, size: int, sha256: str) -> Signed:
        """A request that puts this content where nothing is."""

    @abstractmethod
    def begin(self, key: str) -> str:
        """Start an upload in parts; gives its id."""

    @abstractmethod
    def put_part(self, key: str, upload: str, part: Part) -> Signed:
        """A request that puts one part; the same part may be put again until the upload is completed."""

    @abstractmethod
    def parts(self, key: str, upload: str) -> list[Part]:
        """What has arrived of an upload, by number. Raises UploadGone."""

    @abstractmethod
    def complete(self, key: str, upload: str, parts: Sequence[Part], sha256: str) -> bool:
        """Make the object out of these parts. False: something is there already. Raises UploadGone.

        Raises StorageConflict when the store reads the bytes anyway and they have another SHA-256 than the one given.
        """

    @abstractmethod
    def abort(self, key: str, upload: str) -> None:
        """Take back an upload that is not completed; one that is not known is no error."""

    @abstractmethod
    def stated(self, key: str) -> Stated | None:
        """What the store says of an object; None if it is not there."""

    @abstractmethod
    def seal(self, key: str, content: bytes) -> bool:
        """Write a small object where nothing is. False: the same bytes are there. Raises StorageConflict when others are."""

    @abstractmethod
    def get(self, key: str) -> Signed:
        """A request that reads an object."""


def part_bytes(size: int) -> int:
    """The size of all parts but the last for a file of this size."""
    return max(PART_BYTES, -(-size // MAX_PARTS))


def part_sizes(size: int) -> list[int]:
    """The sizes of the parts of a file, in order."""
    each = part_bytes(size)
    return [min(each, size - start) for start in range(0, size, each)]


def hash_part(stream: IO[bytes], size: int, whole: hashlib._Hash, tick: Callable[[int], None] = lambda _: None) -> str:
    """SHA-256 (hex) of the next bytes of a file, which are added to the hash of the whole too; `tick` is told of bytes read.

    Raises EOFError where the file ends before that.
    """
    part = hashlib.sha256()
    while size:
        piece = stream.read(min(_PIECE, size))
        if not piece:
            raise EOFError
        whole.update(piece)
        part.update(piece)
        size -= len(piece)
        tick(len(piece))
    return part.hexdigest()


def whole_checksum(sha256: str) -> str:
    """S3's way of writing the SHA-256 of an object that came in one request."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def parts_checksum(parts: Iterable[str]) -> str:
    """S3's checksum of an object that came in parts, from the parts' SHA-256 (hex): the hash of the hashes.

    S3 writes the number of parts behind it (`-3`), in some of its answers; here it is left out.
    """
    return base64.b64encode(hashlib.sha256(b"".join(bytes.fromhex(sha256) for sha256 in parts)).digest()).decode()


def other_content(where: str) -> StorageConflict:
    """The error for a key that holds other bytes than those that are to be written."""
    return StorageConflict(f"{where}: is written once and holds other bytes. Nothing changed.")
