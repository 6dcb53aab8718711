"""What the shipper remembers, in a SQLite file: folders with their state, and hashes, so that a restart reads nothing twice."""

from __future__ import annotations

import contextlib
import fcntl
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assay.errors import AssayError
from assay.ship.hashing import Hashed

_TABLES = """
CREATE TABLE IF NOT EXISTS folders (
    folder TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, state TEXT NOT NULL, session TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '', warnings TEXT NOT NULL DEFAULT '[]',
    attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0, reported INTEGER NOT NULL DEFAULT 0,
    changed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
CREATE TABLE IF NOT EXISTS hashes (
    folder TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, changed_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,
    parts TEXT NOT NULL, PRIMARY KEY (folder, path)
) STRICT;
"""


class FolderState(StrEnum):
    """Where a folder stands on the lab machine."""

    SENDING = "sending"
    RETRYING = "retrying"
    SHIPPED = "shipped"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """What the journal says of a folder."""

    folder: str
    fingerprint: str
    state: FolderState
    session: str
    bytes: int
    message: str
    warnings: tuple[str, ...]
    attempts: int
    next_try: float
    reported: bool
    changed_at: str


class Journal:
    """The journal of one shipper. Safe to ask from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_TABLES)
        except sqlite3.DatabaseError as error:
            raise AssayError(
                f"{path}: the journal cannot be opened ({error}). Move it away and start again: what was shipped is known to the "
                "server, and is not sent twice."
            ) from error
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def entries(self) -> list[Entry]:
        """Every folder, by name."""
        with self._lock:
            rows = self._db.execute(
                "SELECT folder, fingerprint, state, session, bytes, message, warnings, attempts, next_try, reported, changed_at "
                "FROM folders ORDER BY folder"
            ).fetchall()
        return [
            Entry(
                row[0],
                row[1],
                FolderState(row[2]),
                row[3],
                row[4],
                row[5],
                tuple(json.loads(row[6])),
                row[7],
                row[8],
                bool(row[9]),
                row[10],
            )
            for row in rows
        ]

    def begin(self, folder: Path, fingerprint: str) -> None:
        """Enter a folder that is about to be sent; attempts are kept while it is the same."""
        with self._lock:
            self._db.execute(
                "INSERT INTO folders (folder, fingerprint, state) VALUES (?, ?, 'sending') ON CONFLICT (folder) DO UPDATE SET "
                "attempts = CASE WHEN fingerprint = excluded.fingerprint THEN attempts ELSE 0 END, "
                "reported = CASE WHEN fingerprint = excluded.fingerprint THEN reported ELSE 0 END, "
                "fingerprint = excluded.fingerprint, state = 'sending', "
                "changed_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
                (_text(folder), fingerprint),
            )

    def settle(
        self,
        folder: Path,
        state: FolderState,
        *,
        session: str = "",
        size: int = 0,
        message: str = "",
        warnings: tuple[str, ...] = (),
        next_try: float = 0.0,
    ) -> None:
        """Write down how an attempt ended."""
        with self._lock:
            self._db.execute(
                "UPDATE folders SET state = ?, session = ?, bytes = ?, message = ?, warnings = ?, next_try = ?, "
                "attempts = attempts + 1, changed_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE folder = ?",
                (state.value, session, size, message, json.dumps(warnings), next_try, _text(folder)),
            )
            if state == FolderState.SHIPPED:
                self._db.execute("DELETE FROM hashes WHERE folder = ?", (_text(folder),))

    def reported(self, folder: str) -> None:
        """Write down that the server knows of a failure."""
        with self._lock:
            self._db.execute("UPDATE folders SET reported = 1 WHERE folder = ?", (folder,))

    def hashed(self, folder: Path) -> dict[str, Hashed]:
        """The hashes that were taken of a folder's files, by path."""
        with self._lock:
            rows = self._db.execute(
                "SELECT path, size, changed_ns, sha256, parts FROM hashes WHERE folder = ?", (_text(folder),)
            ).fetchall()
        return {row[0]: Hashed(row[0], row[1], row[2], row[3], tuple(json.loads(row[4]))) for row in rows}

    def note_hash(self, folder: Path, hashed: Hashed) -> None:
        """Keep a hash."""
        with self._lock:
            self._db.execute(
                "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?)",
                (_text(folder), hashed.path, hashed.size, hashed.changed_ns, hashed.sha256, json.dumps(hashed.parts)),
            )


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds while one shipper works with this state folder; a kill frees it. Raises AssayError when another one does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AssayError(f"{folder}: another `assay ship` works with it; wait for it, or set another ASSAY_HOME") from None
        yield


def _text(folder: Path) -> str:
    return str(folder).encode("utf-8", "backslashreplace").decode()
