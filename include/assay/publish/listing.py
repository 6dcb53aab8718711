"""What a published manifest says besides its sessions. It grows with them, so it is read piece by piece: memory does not grow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import ijson
import msgspec

from assay.dataset.manifest import MANIFEST
from assay.errors import NotWhole
from assay.publish.layout import snapshot_folder
from assay.publish.target import GitTarget


class ListedFile(msgspec.Struct, frozen=True):
    """A published file as the manifest lists it: its path, its size and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class Listing(msgspec.Struct, frozen=True):
    """A manifest without its sessions. `history`: the documents over time, which lie outside the snapshot's folder."""

    content_digest: str
    files: list[ListedFile]
    history: list[ListedFile]


def published_listing(target: GitTarget, commit: str, snapshot: str, manifest_sha256: str) -> tuple[Listing, ListedFile]:
    """The listing of a snapshot, and its manifest as a file.

    Raises FileNotFoundError if the commit has no such manifest, NotWhole if its SHA-256 is not `manifest_sha256`, or if it is
    no manifest.
    """
    where = f"{target.name}: snapshot {snapshot} at {commit[:12]}"
    return listing_of(target.pieces(commit, f"{snapshot_folder(snapshot)}/{MANIFEST}"), where, manifest_sha256)


def listing_of(pieces: Iterator[bytes], where: str, manifest_sha256: str) -> tuple[Listing, ListedFile]:
    """The listing out of a manifest's bytes, and the manifest as a file. `where`: for the message of a NotWhole."""
    hashed = _Hashed(pieces)
    fault = ""
    said: dict[str, Any] = {}
    try:
        said = _members(hashed, set(Listing.__struct_fields__))
    except ijson.JSONError as error:
        fault = f"{MANIFEST} is no JSON: {error}"
    manifest = hashed.finish()
    if manifest.sha256 != manifest_sha256:
        raise NotWhole(f"{where}: {MANIFEST} has SHA-256 {manifest.sha256}; sent was {manifest_sha256}")
    if fault:
        raise NotWhole(f"{where}: {fault}")
    try:
        return msgspec.convert(said, Listing), manifest
    except msgspec.ValidationError as error:
        raise NotWhole(f"{where}: {MANIFEST} is no manifest: {error}") from None


class _Hashed:
    """A stream of pieces that is hashed while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._digest, self._bytes = pieces, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """The next piece, whatever its size; empty at the end, and where nothing is asked for, which is how ijson looks at it."""
        piece = next(self._pieces, b"") if size else b""
        self._digest.update(piece)
        self._bytes += len(piece)
        return piece

    def finish(self) -> ListedFile:
        """Read what is left; gives size and hash of the whole."""
        while self.read():
            pass
        return ListedFile(MANIFEST, self._bytes, self._digest.hexdigest())


def _members(stream: _Hashed, wanted: set[str]) -> dict[str, Any]:
    """These members of a JSON object; reading stops at the last of them."""
    found: dict[str, Any] = {}
    builder, name = ijson.ObjectBuilder(), ""
    for prefix, event, value in ijson.parse(stream):
        if not prefix:
            if name in wanted:
                found[name] = builder.value
            if wanted == found.keys():
                break
            builder, name = ijson.ObjectBuilder(), str(value)
        elif name in wanted:
            builder.event(event, value)
    return found
