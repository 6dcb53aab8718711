"""The stage `verify`: are the raw files of an arrived session, byte for byte, those that its manifest lists?"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from assay.check.arrivals import register_unknown
from assay.check.rules import integrity
from assay.database.words import FINDING_COLUMNS
from assay.session import MANIFEST_NAME, SessionKind, format_time
from assay.storage import Storage
from assay.workspace import Workspace

SESSIONS_AT_ONCE = 2_000
FILES_AT_ONCE = 16
LINES_A_CHUNK = 20

log = logging.getLogger(__name__)

Finding = tuple[str, str, str, str, str]
"""Rule id, file, value, expected, message."""


@dataclass(frozen=True)
class Listed:
    """A raw file as the ledger has it: from the manifest."""

    path: str
    size: int
    sha256: str


def verify_arrived(workspace: Workspace) -> list[str]:
    """Verify every session that has arrived, those included that raw storage has and the ledger does not know; give their ids.

    Every raw file is hashed again. A session with a finding that quarantines ends its path here; its bytes stay. Killed at
    any point and run again it gives the same state.
    """
    register_unknown(workspace)
    arrived = workspace.ledger.sessions(states=["arrived"])
    verified: list[str] = []
    for kind, sessions in arrived.groupby("kind", sort=True):
        storage = workspace.raw_storage(str(kind))
        for start in range(0, len(sessions), SESSIONS_AT_ONCE):
            verified.extend(_verify(workspace, storage, sessions.iloc[start : start + SESSIONS_AT_ONCE]))
    return verified


def _verify(workspace: Workspace, storage: Storage, sessions: pd.DataFrame) -> list[str]:
    began = time.monotonic()
    listed = _listed(workspace, sessions)
    stored = _stored(storage, sessions)
    now = datetime.now(UTC)

    def judge(row: tuple[str, str, str, str, datetime]) -> list[Finding]:
        session, kind, prefix, manifest_sha256, started_at = row
        files = [*listed.get(session, []), Listed(MANIFEST_NAME, -1, manifest_sha256)]
        limit = workspace.settings.max_raw_file_bytes if kind == SessionKind.INSTANCE_BENCHMARK else None
        return [
            *_clock(started_at, now, workspace.settings.clock_tolerance_seconds),
            *_bytes(storage, prefix, files, stored.get(prefix, {}), limit),
        ]

    columns = (sessions[name] for name in ("session", "kind", "prefix", "manifest_sha256", "started_at"))
    rows = list(zip(*columns, strict=True))
    with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="assay-verify") as pool:
        judged = dict(zip((row[0] for row in rows), pool.map(judge, rows), strict=True))
    workspace.ledger.record_findings("verify", list(judged), _frame(judged))
    held = {session for session, found in judged.items() if any(rule not in integrity.WARNINGS for rule, *_ in found)}
    verified = [session for session in judged if session not in held]
    workspace.ledger.mark_verified(verified)
    _log(judged, listed, time.monotonic() - began)
    return verified


def _listed(workspace: Workspace, sessions: pd.DataFrame) -> dict[str, list[Listed]]:
    files = workspace.ledger.raw_files(list(sessions["session"]))
    listed: dict[str, list[Listed]] = {}
    for session, path, size, sha256 in zip(files["session"], files["path"], files["size"], files["sha256"], strict=True):
        listed.setdefault(session, []).append(Listed(str(path), int(size), str(sha256)))
    return listed


def _stored(storage: Storage, sessions: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Sizes of what lies in raw storage, by session prefix and path: one listing a day, not one a session."""
    wanted = set(sessions["prefix"])
    stored: dict[str, dict[str, int]] = {prefix: {} for prefix in wanted}
    for day in sorted({prefix.rstrip("/").rpartition("/")[0] for prefix in wanted}):
        depth = day.count("/") + 2
        for object_ in storage.list(day):
            parts = object_.key.split("/", depth)
            prefix = "/".join(parts[:depth]) + "/"
            if prefix in stored:
                stored[prefix][parts[-1]] = object_.size
    return stored


def _clock(started_at: datetime, now: datetime, tolerance: int) -> Iterator[Finding]:
    latest = now + timedelta(seconds=tolerance)
    if started_at > latest:
        found, expected = format_time(started_at), f"at most {tolerance} s after now, {format_time(now)}"
        message = f"the session says that it started at {found}, in the future; expected {expected}: set the machine's clock"
        yield integrity.CLOCK, MANIFEST_NAME, found, expected, message


def _bytes(storage: Storage, prefix: str, files: list[Listed], stored: Mapping[str, int], limit: int | None) -> Iterator[Finding]:
    for file in files:
        size = stored.get(file.path)
        if size is None:
            message = f"{file.path}: listed in the manifest and not in raw storage; expected {prefix}{file.path}"
            yield integrity.MISSING_FILE, file.path, "no such file", "every file that the manifest lists", message
        elif file.size not in (-1, size):
            message = (
                f"{file.path}: has {size} bytes, its manifest says {file.size}: it was changed after the manifest was written"
            )
            yield integrity.SIZE, file.path, f"{size} bytes", f"{file.size} bytes", message
        elif limit is not None and size > limit:
            message = f"{file.path}: has {size} bytes; a raw file of a benchmark has at most {limit} (ASSAY_MAX_RAW_FILE_BYTES)"
            yield integrity.SIZE_LIMIT, file.path, f"{size} bytes", f"at most {limit} bytes", message
        else:
            found = storage.sha256(prefix + file.path)
            if found != file.sha256:
                message = f"{file.path}: its SHA-256 is {found}, recorded was {file.sha256}: it was changed after it was recorded"
                yield integrity.HASH, file.path, found, file.sha256, message
    for path in sorted(set(stored) - {file.path for file in files}):
        message = f"{path}: lies in the session's folder and is not in its manifest; it is kept and never read"
        yield integrity.UNLISTED_FILE, path, f"{stored[path]} bytes", "only files that the manifest lists", message


def _frame(judged: Mapping[str, list[Finding]]) -> pd.DataFrame:
    rows = [
        (session, rule, "warning" if rule in integrity.WARNINGS else "quarantine", file, value, expected, message)
        for session, found in judged.items()
        for rule, file, value, expected, message in found
    ]
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS), dtype="string")


def _log(judged: Mapping[str, list[Finding]], listed: Mapping[str, list[Listed]], seconds: float) -> None:
    if len(judged) <= LINES_A_CHUNK:
        for session, found in judged.items():
            files = listed.get(session, [])
            what = "; ".join(f"{rule}: {message}" for rule, _, _, _, message in found) or "all as the manifest says"
            log.info("session %s: verified %d files (%.0f kB): %s", session, len(files), sum(f.size for f in files) / 1000, what)
    if not judged:
        return
    rules = Counter(rule for found in judged.values() for rule, *_ in found)
    counted = ", ".join(f"{rule} x {count}" for rule, count in sorted(rules.items())) or "nothing to object"
    log.info("verified %d sessions in %.1f s: %s", len(judged), seconds, counted)
