"""Which folders are complete: an end marker lies in them, or nothing in them has changed for a while."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

MAX_FOLDERS = 100_000
"""That are looked at. Names begin with the date, so the last are the newest."""


@dataclass(frozen=True)
class Found:
    """A folder below the watched one. `fingerprint` changes when a name, size or time in it does; `newest`: last change, Unix."""

    folder: Path
    fingerprint: str
    newest: float
    marked: bool

    def is_complete(self, now: float, quiet_seconds: float, marker: str | None) -> bool:
        """Whether nothing more is to come. With a marker, the marker says so; without, that nothing changed for a while.

        A clock that is set back would make a folder young for ever, so times in the future count as now minus that much.
        """
        return self.marked if marker else abs(now - self.newest) >= quiet_seconds


def find_folders(directory: Path, marker: str | None = None) -> list[Found]:
    """Every folder directly below the directory that holds something, by name; hidden ones and links are left alone.

    Raises OSError when the directory cannot be read.
    """
    found = []
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False))
    if len(names) > MAX_FOLDERS:
        log.warning(
            "%s: holds %d folders; the last %d by name are looked at. Move those that were shipped elsewhere.",
            directory,
            len(names),
            MAX_FOLDERS,
        )
    for name in names[-MAX_FOLDERS:]:
        folder = directory / name
        state = _state(folder)
        if state is not None:
            fingerprint, newest = state
            found.append(Found(folder, fingerprint, newest, marker is not None and (folder / marker).is_file()))
    return found


def _state(folder: Path) -> tuple[str, float] | None:
    digest, newest, empty = hashlib.sha256(), 0.0, True
    try:
        for where, folders, files in os.walk(folder, onerror=_raise):
            folders.sort()
            newest = max(newest, Path(where).stat().st_mtime)
            for name in sorted(files):
                about = (Path(where) / name).lstat()
                digest.update(f"{where}/{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
                newest, empty = max(newest, about.st_mtime), False
    except FileNotFoundError:
        return None  # removed or renamed while it was looked at
    except OSError as error:
        # The validator says what cannot be read.
        digest.update(str(error).encode("utf-8", "surrogateescape"))
        newest, empty = min(newest, time.time()), False
    return None if empty else (digest.hexdigest(), newest)


def _raise(error: OSError) -> None:
    raise error
