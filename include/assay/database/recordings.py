"""Metadata variables of recording sessions, and what processors made of their files. Every function is one statement or a few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, text

from assay.database.copy import load_temporary
from assay.database.queries import read_frame
from assay.database.words import ProcessingState

VARIABLE_COLUMNS = ("session", "name", "lab", "schema", "numeric", "number", "text", "unit", "known")
_VARIABLE_TYPES = ("text", "text", "text", "text", "boolean", "double precision", "text", "text", "boolean")


@dataclass(frozen=True)
class MadeFile:
    """A file that a processor made: key in processed storage, media type, size in bytes and SHA-256 (hex)."""

    key: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Processing:
    """What one version of a processor did with one raw file. `reason`: why it failed; empty: it did not."""

    session: str
    path: str
    processor: str
    version: str
    input_sha256: str
    reason: str = ""
    flags: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[MadeFile, ...] = ()


def replace_variables(connection: Connection, dataset: str, sessions: Iterable[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """The variables of these sessions (rows as VARIABLE_COLUMNS) in place of all that they had."""
    connection.execute(
        text("DELETE FROM assay.variables WHERE dataset = :dataset AND session = ANY(:sessions)"),
        {"dataset": dataset, "sessions": sorted(set(sessions))},
    )
    load_temporary(connection, "given", pd.DataFrame(rows, columns=list(VARIABLE_COLUMNS), dtype=object), _VARIABLE_TYPES)
    columns = ", ".join(VARIABLE_COLUMNS)
    connection.execute(
        text(f"INSERT INTO assay.variables (dataset, {columns}) SELECT :dataset, {columns} FROM given"),  # noqa: S608 - constants
        {"dataset": dataset},
    )


def variables(connection: Connection, dataset: str, only: Iterable[str] | None = None) -> pd.DataFrame:
    """The variables of sessions (all, where none are named), columns VARIABLE_COLUMNS, by session and name."""
    which = "" if only is None else "AND session = ANY(:only) "
    return read_frame(
        connection,
        f"SELECT {', '.join(VARIABLE_COLUMNS)} FROM assay.variables WHERE dataset = :dataset {which}"  # noqa: S608 - constants
        "ORDER BY session, name",
        {"dataset": dataset, "only": None if only is None else list(only)},
    ).astype({"number": "float64"})


def record_processing(connection: Connection, dataset: str, done: Processing) -> None:
    """Write down what a processor did with a file, in place of what the same version did before."""
    key = {
        "dataset": dataset,
        "session": done.session,
        "path": done.path,
        "processor": done.processor,
        "version": done.version,
    }
    where = " AND ".join(f"{name} = :{name}" for name in key)
    connection.execute(text(f"DELETE FROM assay.processing WHERE {where}"), key)  # noqa: S608 - constants
    state = ProcessingState.FAILED if done.reason else ProcessingState.DONE
    frame = pd.DataFrame(
        [[*key.values(), done.input_sha256, state.value, done.reason, list(done.flags), dict(done.facts)]],
        columns=[*key, "input_sha256", "state", "reason", "flags", "facts"],
        dtype=object,
    )
    load_temporary(connection, "given", frame, ["text"] * 8 + ["text[]", "jsonb"])
    columns = ", ".join(frame.columns)
    connection.execute(text(f"INSERT INTO assay.processing ({columns}) SELECT {columns} FROM given"))  # noqa: S608 - constants
    if done.files:
        names = (*key, "key", "media_type", "size", "sha256")
        connection.execute(
            text(
                f"INSERT INTO assay.processed_files ({', '.join(names)}) "  # noqa: S608 - constants
                f"VALUES ({', '.join(f':{name}' for name in names)})"
            ),
            [{**key, "key": f.key, "media_type": f.media_type, "size": f.size, "sha256": f.sha256} for f in done.files],
        )


def unprocessed(connection: Connection, dataset: str, *, again: bool) -> pd.DataFrame:
    """Data files of accepted recordings that no processor was given with the bytes that they have now.

    Columns session, prefix, path, sha256; oldest sessions first. The metadata files are none of them. `again`: all data files,
    also of sessions that are in quarantine because a processor failed.
    """
    which = (
        "OR EXISTS (SELECT FROM assay.findings n WHERE n.dataset = s.dataset AND n.session = s.session "
        "AND n.stage = 'preprocess' AND n.severity = 'quarantine'))"
        if again
        else ") AND NOT EXISTS (SELECT FROM assay.processing p WHERE p.dataset = s.dataset AND p.session = s.session "
        "AND p.path = f.path AND p.input_sha256 = f.sha256)"
    )
    return read_frame(
        connection,
        "SELECT s.session, s.prefix, f.path, f.sha256 FROM assay.sessions s JOIN assay.raw_files f USING (dataset, session) "  # noqa: S608
        "WHERE s.dataset = :dataset AND s.kind = 'recording' "
        "AND NOT coalesce(s.profile -> 'metadata_files', '[]'::jsonb) @> to_jsonb(f.path) "
        f"AND (s.verdict IN ('accepted', 'accepted with warnings') {which} ORDER BY s.started_at, s.session, f.path",
        {"dataset": dataset},
    )


def processing(connection: Connection, dataset: str, only: Iterable[str] | None = None) -> pd.DataFrame:
    """What processors did: session, path, processor, version, input_sha256, state, reason, flags, facts, processed_at."""
    which = "" if only is None else "AND session = ANY(:only) "
    return read_frame(
        connection,
        "SELECT session, path, processor, version, input_sha256, state, reason, flags, facts, processed_at "  # noqa: S608 - constants
        f"FROM assay.processing WHERE dataset = :dataset {which}ORDER BY session, path, processor, version",
        {"dataset": dataset, "only": None if only is None else list(only)},
    )


def processed_files(connection: Connection, dataset: str, only: Iterable[str] | None = None) -> pd.DataFrame:
    """The files that processors made: session, path, processor, version, key, media_type, size, sha256, input_sha256."""
    which = "" if only is None else "AND o.session = ANY(:only) "
    return read_frame(
        connection,
        "SELECT o.session, o.path, o.processor, o.version, o.key, o.media_type, o.size, o.sha256, p.input_sha256 "  # noqa: S608
        "FROM assay.processed_files o JOIN assay.processing p USING (dataset, session, path, processor, version) "
        f"WHERE o.dataset = :dataset {which}ORDER BY o.session, o.path, o.processor, o.version, o.key",
        {"dataset": dataset, "only": None if only is None else list(only)},
    )


def datasets_with_recordings(engine: Engine) -> list[str]:
    """Every dataset that has a recording session, by name."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT DISTINCT dataset FROM assay.sessions WHERE kind = 'recording' ORDER BY 1"))
        return list(found.scalars())


def count_quarantined(engine: Engine) -> int:
    """How many recordings of all datasets are in quarantine."""
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM assay.sessions WHERE kind = 'recording' AND verdict = 'quarantined'")
        return int(connection.scalar(query) or 0)
