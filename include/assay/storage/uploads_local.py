"""Signed requests for a local folder: the ingestion API answers them, under the same conditions as S3.

What such a request may do is in its ticket, which the API signs and reads back; here a ticket is plain data. Parts lie under
`.uploads/<upload>/`, named by number, size and hash, so that a listing of the folder says what has arrived.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from assay.errors import StorageConflict, StorageError
from assay.storage.local import LocalStorage
from assay.storage.uploads import Part, Signed, Stated, UploadGone, UploadStore, whole_checksum

_FOLDER = ".uploads"
_PART = re.compile(r"(\d{1,5})-(\d{1,15})-([0-9a-f]{64})")
_UPLOAD = re.compile(r"[0-9a-f]{32}")
_STALE_SECONDS = 7 * 24 * 3600
"""As the lifecycle rule of the bucket: an upload without progress for a week is taken back."""
_CHUNK = 1024 * 1024


class LocalUploads(UploadStore):
    """Uploads into a local store. `sign` makes a ticket out of what it allows."""

    def __init__(self, storage: LocalStorage, sign: Callable[[Mapping[str, Any]], str]) -> None:
        self.storage, self._sign = storage, sign
        self._folder = storage.root / _FOLDER

    def put(self, key: str, size: int, sha256: str) -> Signed:
        ticket = self._sign({"may": "put", "key": key, "size": size, "sha256": sha256})
        return Signed("PUT", f"v1/objects/{ticket}", {"Content-Length": str(size)})

    def begin(self, key: str) -> str:
        self._sweep()
        upload = uuid.uuid4().hex
        (self._folder / upload).mkdir(parents=True)
        return upload

    def put_part(self, key: str, upload: str, part: Part) -> Signed:
        allowed = {"may": "part", "upload": upload, "number": part.number, "size": part.size, "sha256": part.sha256}
        return Signed("PUT", f"v1/objects/{self._sign(allowed)}", {"Content-Length": str(part.size)})

    def parts(self, key: str, upload: str) -> list[Part]:
        try:
            names = [entry.name for entry in self._at(upload).iterdir()]
        except FileNotFoundError:
            raise UploadGone(f"upload {upload} is not known any more; begin it anew") from None
        found = (_PART.fullmatch(name) for name in names)
        return sorted(Part(int(each[1]), int(each[2]), each[3]) for each in found if each)

    def complete(self, key: str, upload: str, parts: Sequence[Part], sha256: str) -> bool:
        folder = self._at(upload)
        if self.storage.size(key) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            return False
        with self.staged() as (staged, stream):
            digest = hashlib.sha256()
            for part in parts:
                try:
                    with (folder / _name(part)).open("rb") as source:
                        while chunk := source.read(_CHUNK):
                            digest.update(chunk)
                            stream.write(chunk)
                except FileNotFoundError:
                    raise UploadGone(f"upload {upload}: part {part.number} is not there; begin it anew") from None
            if digest.hexdigest() != sha256:
                raise StorageConflict(f"{key}: its parts have SHA-256 {digest.hexdigest()}; announced was {sha256}. Not stored.")
            stream.flush()
            os.fsync(stream.fileno())
            written = self.storage.adopt(staged, key)
        shutil.rmtree(folder, ignore_errors=True)
        return written

    def abort(self, key: str, upload: str) -> None:
        shutil.rmtree(self._at(upload), ignore_errors=True)

    def stated(self, key: str) -> Stated | None:
        size = self.storage.size(key)
        return None if size is None else Stated(size, whole_checksum(self.storage.sha256(key)))

    def seal(self, key: str, content: bytes) -> bool:
        return self.storage.write_once(key, content, hashlib.sha256(content).hexdigest())

    def get(self, key: str) -> Signed:
        return Signed("GET", f"v1/objects/{self._sign({'may': 'get', 'key': key})}")

    @contextlib.contextmanager
    def staged(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A file of no name yet, for bytes that are on their way; gone afterwards."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{uuid.uuid4().hex}.part"
        try:
            with path.open("xb") as stream:
                yield path, stream
        finally:
            path.unlink(missing_ok=True)

    def accept(self, ticket: Mapping[str, Any], staged: Path) -> bool:
        """Give bytes that have the ticket's size and hash their place. False: something is there. Raises UploadGone."""
        if ticket["may"] == "put":
            if self.storage.adopt(staged, ticket["key"]):
                return True
            if self.storage.size(ticket["key"]) is None:
                raise StorageError(f"{ticket['key']}: is there and is not there; another program changes this store")
            return False
        part = Part(ticket["number"], ticket["size"], ticket["sha256"])
        folder = self._at(ticket["upload"])
        try:
            for other in self.parts("", ticket["upload"]):
                if other.number == part.number and other != part:
                    (folder / _name(other)).unlink(missing_ok=True)
            staged.replace(folder / _name(part))
        except FileNotFoundError:
            raise UploadGone(f"upload {ticket['upload']} is not known any more; begin it anew") from None
        return True

    def _at(self, upload: str) -> Path:
        if not _UPLOAD.fullmatch(upload):
            raise UploadGone(f"upload {upload[:40]!r} is not known")
        return self._folder / upload

    def _sweep(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for left in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - _STALE_SECONDS:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()


def _name(part: Part) -> str:
    return f"{part.number}-{part.size}-{part.sha256}"
