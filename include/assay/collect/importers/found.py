"""What an importer finds in a folder: sessions, and bytes that cannot form one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.session import Manifest, RawFile, hash_file

MAX_FILES_PER_FOLDER = 1_000
"""A folder with more files than this is no result of a known tool."""


@dataclass(frozen=True)
class FoundSession:
    """Bytes that form a session. `paths` says where each file of the manifest lies; `source_file` is shown to people."""

    manifest: Manifest
    paths: Mapping[str, Path]
    source_file: str


@dataclass(frozen=True)
class Refused:
    """Bytes that cannot form a session, why, and their SHA-256."""

    source_file: str
    reason: str
    sha256: str


@dataclass(frozen=True)
class FoundFolder:
    """One folder below the imported one: its path relative to it, in POSIX form, and its regular files by name."""

    relative: str
    files: Mapping[str, Path]


def walk(folder: Path, without: Path | None = None) -> Iterator[FoundFolder]:
    """Every folder that holds regular files, and the files, in the order of their names: the same tree gives the same order.

    Links are not followed, what is no regular file is passed over, and so is what lies below a hidden folder such as `.git` or
    below the folder `without`, where our own state lies. Raises OSError for a folder that may not be read: nothing is left out
    unsaid.
    """

    def stop(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=stop, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and Path(place, name).resolve() != without)
        files = {name: Path(place, name) for name in sorted(names) if not name.startswith(".")}
        files = {name: path for name, path in files.items() if stat.S_ISREG(path.lstat().st_mode)}
        if files:
            relative = Path(place).relative_to(folder).as_posix()
            yield FoundFolder("" if relative == "." else relative, files)


def shown_path(*parts: str) -> str:
    """A relative path as text for people and for the ledger; bytes that are no UTF-8 are escaped."""
    return "/".join(part for part in parts if part).encode("utf-8", "backslashreplace").decode()[:1_000]


def raw_file(name: str, path: Path) -> RawFile:
    """A file as a manifest lists it."""
    return RawFile(name, path.stat().st_size, hash_file(path))


def digest(paths: Mapping[str, Path]) -> str:
    """SHA-256 over several files by name; of a single file, its own."""
    if len(paths) == 1:
        return hash_file(next(iter(paths.values())))
    together = hashlib.sha256()
    for name in sorted(paths):
        together.update(f"{hash_file(paths[name])} {name}\n".encode("utf-8", "backslashreplace"))
    return together.hexdigest()
