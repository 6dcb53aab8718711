"""Raw files from storage for reading: bounded in size, and exactly the bytes whose hashes stand in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from assay.errors import ManifestError, TooLarge
from assay.read.claims import problem
from assay.read.content import Problem
from assay.read.rules import HASH, MISSING_FILE, SIZE_LIMIT, UNREADABLE
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, RawFile
from assay.storage import Storage

SESSION_LIMIT = 16
"""All files of a session together may be this many times as large as one may be: they are in memory at the same time."""


@dataclass(frozen=True)
class Wanted:
    """A session whose files are to be read, as the ledger knows it."""

    session: str
    prefix: str
    manifest_sha256: str
    files: tuple[RawFile, ...]

    @property
    def bytes(self) -> int:
        """All its files together."""
        return sum(file.size for file in self.files)

    @classmethod
    def of(cls, session: str, prefix: str, manifest_sha256: str, files: pd.DataFrame | None) -> Wanted:
        """From rows of the ledger (`files`: path, size, sha256)."""
        rows = () if files is None else zip(files["path"], files["size"], files["sha256"], strict=True)
        return cls(session, prefix, manifest_sha256, tuple(RawFile(str(path), int(size), str(sha)) for path, size, sha in rows))


@dataclass
class Fetched:
    """A session's manifest and files, and why some of them are not there. No manifest: nothing can be read."""

    session: str
    manifest: Manifest | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def fetch(storage: Storage, sessions: Sequence[Wanted], largest: int) -> Iterator[Fetched]:
    """The sessions' manifests and files, in the order given. `largest`: bytes that one file may have.

    A file that is too large, gone, or no longer what the ledger says becomes a problem and is withheld.
    """
    manifests = _objects(storage, [wanted.prefix + MANIFEST_NAME for wanted in sessions], MAX_MANIFEST_BYTES)
    keys = [wanted.prefix + file.path for wanted in sessions for file in _allowed(wanted, largest)]
    objects = _objects(storage, keys, largest)
    for wanted in sessions:
        fetched = Fetched(wanted.session)
        if wanted.bytes > SESSION_LIMIT * largest:
            limit = f"at most {SESSION_LIMIT * largest} bytes in all files together"
            fetched.problems.append(problem(SIZE_LIMIT, MANIFEST_NAME, f"{wanted.bytes} bytes", limit, "files"))
            yield fetched
            continue
        _take_manifest(fetched, wanted, manifests.pop(wanted.prefix + MANIFEST_NAME, None))
        for file in wanted.files:
            if file.size > largest:
                fetched.problems.append(problem(SIZE_LIMIT, file.path, f"{file.size} bytes", f"at most {largest} bytes"))
            else:
                _take_file(fetched, file, objects.pop(wanted.prefix + file.path, None))
        yield fetched


def _allowed(wanted: Wanted, largest: int) -> list[RawFile]:
    if wanted.bytes > SESSION_LIMIT * largest:
        return []
    return [file for file in wanted.files if file.size <= largest]


def _objects(storage: Storage, keys: Iterable[str], limit: int) -> dict[str, bytes]:
    """The objects that are there and within the limit, by key."""
    keys = list(keys)
    try:
        return dict(storage.read_many(keys, limit=limit))
    except (FileNotFoundError, TooLarge):
        return dict(_one_by_one(storage, keys, limit))


def _one_by_one(storage: Storage, keys: Iterable[str], limit: int) -> Iterator[tuple[str, bytes]]:
    """After one object failed: the others, each on its own. What is skipped here is missing to the caller, who says so."""
    for key in keys:
        try:
            yield key, storage.read(key, limit=limit)
        except (FileNotFoundError, TooLarge):
            continue


def _take_manifest(fetched: Fetched, wanted: Wanted, raw: bytes | None) -> None:
    if raw is None:
        expected = "the manifest that the session was registered with"
        fetched.problems.append(problem(MISSING_FILE, MANIFEST_NAME, "no such file, or larger than one may be", expected))
        return
    found = hashlib.sha256(raw).hexdigest()
    if found != wanted.manifest_sha256:
        fetched.problems.append(problem(HASH, MANIFEST_NAME, found, wanted.manifest_sha256, "sha256"))
        return
    try:
        fetched.manifest = Manifest.parse(raw)
    except ManifestError as error:
        fetched.problems.append(problem(UNREADABLE, MANIFEST_NAME, str(error), "the manifest of the session"))


def _take_file(fetched: Fetched, file: RawFile, raw: bytes | None) -> None:
    if raw is None:
        expected = f"{file.size} bytes, as recorded"
        fetched.problems.append(problem(MISSING_FILE, file.path, "no such file, or larger than recorded", expected))
        return
    found = hashlib.sha256(raw).hexdigest()
    if found != file.sha256:
        fetched.problems.append(problem(HASH, file.path, found, file.sha256, "sha256"))
        return
    fetched.files[file.path] = raw
