"""The stage `read`: verified sessions in, the tidy table out.

Work goes in chunks, so that memory does not grow with the number of sessions. A chunk's rows become one Parquet file for each
kind and day; the ledger's `batch` of a session is the only truth about where its rows lie.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from assay.measurement import execution_frame, measurement_frame
from assay.read.batches import BatchRows, batch_key, load_batches, write_batch
from assay.read.claims import problem
from assay.read.content import SessionContent
from assay.read.fetch import Fetched, Wanted, fetch
from assay.read.registry import source_readers
from assay.read.rules import UNKNOWN_SUITE, findings_frame, severity
from assay.session import MANIFEST_NAME, SessionKind
from assay.workspace import Workspace

READER_VERSION = "1"
"""Part of every batch's name: raise it when the same bytes give other rows."""

SESSIONS_AT_ONCE = 2_000
BYTES_AT_ONCE = 256 * 1024 * 1024
"""A chunk ends at whichever comes first; a chunk of one session may be larger."""

LINES_A_CHUNK = 20
"""A chunk of more sessions is logged in one line."""

KINDS = (SessionKind.INSTANCE_BENCHMARK,)
"""Kinds that give measurements; of recordings the metadata are read, by assay.read.recordings."""

log = logging.getLogger(__name__)


@dataclass
class Chunk:
    """Sessions of one kind and one UTC day that are read together."""

    kind: str
    day: str
    sessions: list[Wanted] = field(default_factory=list)
    bytes: int = 0

    def add(self, wanted: Wanted) -> None:
        """One more session."""
        self.sessions.append(wanted)
        self.bytes += wanted.bytes

    def has_room(self, wanted: Wanted) -> bool:
        """Whether the session still fits."""
        fits = len(self.sessions) < SESSIONS_AT_ONCE and self.bytes + wanted.bytes <= BYTES_AT_ONCE
        return fits or not self.sessions


def read_verified(workspace: Workspace) -> list[str]:
    """Read every verified session of the dataset and give their ids.

    Writes processed/measurements and processed/executions, the findings of the stage, the profile of each session, and where its
    rows lie. Killed at any point and run again it gives the same state: a batch is replaced by the same bytes, and a session
    counts as read only when the ledger says so.
    """
    done: list[str] = []
    for chunk in _chunks(workspace):
        began = time.monotonic()
        contents = [_read(fetched) for fetched in fetch(workspace.storage, chunk.sessions, workspace.settings.max_raw_file_bytes)]
        names = [content.session for content in contents]
        batch = batch_key(chunk.kind, chunk.day, names, READER_VERSION)
        with workspace.ledger.keeping_batches():
            write_batch(workspace.storage, batch, _measurements(contents), _executions(contents))
            workspace.ledger.record_findings("read", names, _findings(contents))
            workspace.ledger.mark_read(dict.fromkeys(names, batch), {content.session: content.profile for content in contents})
        _log(chunk, contents, batch, time.monotonic() - began)
        done.extend(names)
    return done


def load(workspace: Workspace, sessions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measurements and executions of these rows of the ledger, columns as MEASUREMENT_COLUMNS and EXECUTION_COLUMNS.

    A session that was not read has no rows. Raises FileNotFoundError if a batch that the ledger names is not there.
    """
    with located(workspace, sessions) as there:
        return load_batches(workspace.storage, there)


@contextlib.contextmanager
def located(workspace: Workspace, sessions: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Those of these rows of the ledger that were read, with `batch` as it is now; the files stay while this lasts.

    Between asking the ledger for sessions and reading their rows, a compaction may have moved them.
    """
    with workspace.ledger.keeping_batches():
        now = workspace.ledger.batches().set_index("session")["batch"]
        read = sessions[sessions["batch"].notna()]
        yield read.assign(batch=read["session"].map(now).astype("string")).dropna(subset=["batch"])


@dataclass(frozen=True)
class SessionRows:
    """The measurements of rows of the ledger, read some days at a time, wherever they lie when they are read."""

    workspace: Workspace
    sessions: pd.DataFrame

    def parts(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """These columns of the tidy table, as `BatchRows.parts`; no file is removed until the last part was taken."""
        with located(self.workspace, self.sessions) as there:
            yield from BatchRows(self.workspace.storage, there).parts(columns)


def _chunks(workspace: Workspace) -> Iterator[Chunk]:
    """The verified sessions, those of a kind and a day together, cut so that a chunk stays within its limits; in fixed order."""
    for kind in KINDS:
        waiting = workspace.ledger.sessions(states=["verified"], kind=kind)
        days = waiting["started_at"].dt.strftime("%Y-%m-%d")
        for day, group in waiting.groupby(days, sort=True):
            yield from _cut(workspace, str(kind), str(day), group.sort_values("session"))


def _cut(workspace: Workspace, kind: str, day: str, group: pd.DataFrame) -> Iterator[Chunk]:
    chunk = Chunk(kind, day)
    for start in range(0, len(group), SESSIONS_AT_ONCE):
        part = group.iloc[start : start + SESSIONS_AT_ONCE]
        files = dict(iter(workspace.ledger.raw_files(part["session"]).groupby("session", sort=False)))
        for session, prefix, sha256 in zip(part["session"], part["prefix"], part["manifest_sha256"], strict=True):
            wanted = Wanted.of(session, prefix, sha256, files.get(session))
            if not chunk.has_room(wanted):
                yield chunk
                chunk = Chunk(kind, day)
            chunk.add(wanted)
    if chunk.sessions:
        yield chunk


def _read(fetched: Fetched) -> SessionContent:
    """What the source's reader makes of a session, and what was wrong with its files before that."""
    manifest = fetched.manifest
    if manifest is None:
        return SessionContent(fetched.session, "", problems=list(fetched.problems))
    reader = source_readers().get(manifest.source.name)
    if reader is None:
        content = SessionContent(fetched.session, manifest.subject)
        known = ", ".join(sorted(source_readers()))
        content.problems.append(problem(UNKNOWN_SUITE, MANIFEST_NAME, manifest.source.name, f"one of {known}", "source.name"))
    else:
        content = reader.read_session(manifest, fetched.files)
    # What was not handed to the reader is missing for it; the reason why stands among the other problems already.
    withheld = {found.file for found in fetched.problems}
    content.problems = [*fetched.problems, *(found for found in content.problems if found.file not in withheld)]
    return content


def _measurements(contents: Sequence[SessionContent]) -> pd.DataFrame:
    return measurement_frame((c.session, c.subject, run, number, file) for c in contents for run, number, file in c.measurements)


def _executions(contents: Sequence[SessionContent]) -> pd.DataFrame:
    return execution_frame((content.session, content.subject, run) for content in contents for run in content.executions)


def _findings(contents: Sequence[SessionContent]) -> pd.DataFrame:
    return findings_frame((content.session, found) for content in contents for found in content.problems)


def _log(chunk: Chunk, contents: Sequence[SessionContent], batch: str, seconds: float) -> None:
    if len(contents) <= LINES_A_CHUNK:
        for wanted, content in zip(chunk.sessions, contents, strict=True):
            log.info(
                "session %s: read %d files (%.0f kB), %d measurements%s",
                *(content.session, len(wanted.files), wanted.bytes / 1000, len(content.measurements), _summary([content])),
            )
    measured = sum(len(content.measurements) for content in contents)
    log.info(
        "read %d sessions (%.1f MB), %d measurements%s in %.1f s; rows in processed/*/%s",
        *(len(contents), chunk.bytes / 1e6, measured, _summary(contents), seconds, batch),
    )


def _summary(contents: Sequence[SessionContent]) -> str:
    """How many problems of which rule, and the first message."""
    found = [problem for content in contents for problem in content.problems]
    if not found:
        return ""
    rules = ", ".join(f"{rule} x {count}" for rule, count in sorted(Counter(problem.rule for problem in found).items()))
    worst = min(found, key=lambda problem: severity(problem.rule))
    return f", {len(found)} problems ({rules}; {worst.message})"
