"""What every store can do, and the promises that do not depend on where the bytes lie."""

from __future__ import annotations

import hashlib
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from assay.errors import StorageConflict, StorageError
from assay.session import is_safe_path

MAX_KEY_BYTES = 1024
"""As in S3; a local folder holds to the same, so that it can be moved there."""

_PAUSES = (0.0, 0.2, 0.6, 1.8)
_PLAIN_CHARS = 500
_PLAIN = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9_.=-]*(?:/[A-Za-z0-9_=-][A-Za-z0-9_.=-]*)*")
"""Nearly every key: recognised in one step, since a hundred thousand are checked in a batch."""


@dataclass(frozen=True, slots=True, order=True)
class StoredObject:
    """One object in a store: its key and its size in bytes."""

    key: str
    size: int


class Storage(ABC):
    """Objects by key. Every method may be called from several threads at once."""

    url: str

    @staticmethod
    def open(url: str, *, region: str | None = None, endpoint: str | None = None) -> Storage:
        """The store at `file:///folder` or `s3://bucket/prefix`; nothing is sent to S3 before the first use.

        For S3, credentials and region come from boto3's chain where they are not given, and the endpoint from AWS_ENDPOINT_URL.
        Raises StorageError when the URL is of another form or no credentials are found.
        """
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
            from assay.storage.local import LocalStorage

            return LocalStorage(Path(unquote(parts.path)))
        if parts.scheme == "s3" and parts.netloc:
            from assay.storage.s3 import S3Storage

            return S3Storage(parts.netloc, unquote(parts.path).strip("/"), region=region, endpoint=endpoint)
        raise StorageError(f"storage URL: found {url!r}; expected file:///folder or s3://bucket/prefix (ASSAY_STORAGE_URL)")

    def write_once(self, key: str, data: bytes | Path, sha256: str) -> bool:
        """Put bytes, or the content of a file, where nothing is yet; files are streamed, never held in memory whole.

        True: written. False: the same bytes were there already. The object appears whole or not at all.
        Raises StorageConflict when the key holds other bytes, StorageError when the bytes do not have the given SHA-256.
        """
        check_key(key)
        for pause in _PAUSES:
            time.sleep(pause)
            if self._create(key, data, sha256):
                return True
            try:
                there = self.sha256(key)
            except FileNotFoundError:
                continue  # S3 also says so while another write of the same key is under way
            if there == sha256:
                return False
            raise StorageConflict(
                f"{self.uri(key)}: is written once and holds other bytes: SHA-256 {there}; these have {sha256}. Nothing changed."
            )
        raise StorageError(
            f"{self.uri(key)}: is there and is not there, {len(_PAUSES)} times; another program changes this store"
        )

    def sha256(self, key: str) -> str:
        """SHA-256 of what is stored, as hex, computed by reading it. Raises FileNotFoundError."""
        digest = hashlib.sha256()
        for chunk in self.chunks(key):
            digest.update(chunk)
        return digest.hexdigest()

    @abstractmethod
    def uri(self, key: str) -> str:
        """The object's full name, for messages and for libraries that read by themselves: a path, or `s3://bucket/key`."""

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Put bytes, replacing what was there: for the processed layer only. Readers see the old or the new, never a part."""

    @abstractmethod
    def read(self, key: str, *, limit: int | None = None) -> bytes:
        """The whole object. Raises FileNotFoundError; TooLarge, before a byte is read, when it is larger than `limit` bytes."""

    @abstractmethod
    def read_many(self, keys: Iterable[str], *, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        """(key, content) of many objects, in parallel, in any order, with bounded memory. The first failure raises as `read`."""

    @abstractmethod
    def chunks(self, key: str) -> Iterator[bytes]:
        """The content piece by piece, so that memory does not grow with its size. Raises FileNotFoundError."""

    @abstractmethod
    def size(self, key: str) -> int | None:
        """Size in bytes; None if the key is not there."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Everything below a folder (`raw` does not find `raw2/x`), in the order of the keys' UTF-8 bytes."""

    @abstractmethod
    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; a key that is not there is no error."""

    @abstractmethod
    def erase(self, *groups: Sequence[str]) -> None:
        """Remove objects for good, one group of keys after the other: where the store keeps versions, every one of them.

        A key that is not there is no error. Meant for keys that lie together, some thousand at a time. Raises StorageError if one
        cannot be removed, as where it is locked.
        """

    @abstractmethod
    def _create(self, key: str, data: bytes | Path, sha256: str) -> bool:
        """Write atomically where nothing is; False when something is. The bytes are checked against the SHA-256 before."""


def check_key(key: str) -> None:
    """Raise StorageError unless the key stays inside the store on every system."""
    if len(key) <= _PLAIN_CHARS and _PLAIN.fullmatch(key):
        return
    if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise StorageError(f"key {key[:60]!r}...: longer than {MAX_KEY_BYTES} bytes")
    parts = key.split("/")
    if not all(is_safe_path(part) for part in parts) or parts[0].startswith(".") or not _is_text(key):
        raise StorageError(f"key {key!r}: expected a relative path without '..', ':', backslash, control or hidden characters")


def check_hash(source: str, found: str, expected: str) -> None:
    """Raise StorageError when the bytes about to be stored are not those that were announced."""
    if found != expected:
        raise StorageError(
            f"{source}: its bytes have SHA-256 {found}, announced was {expected}: it changed after it was hashed. Not stored."
        )


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
