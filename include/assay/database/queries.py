"""The ledger's tables as frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.words import FINDING_COLUMNS

SESSION_COLUMNS: Mapping[str, str] = {
    "session": "string",
    "kind": "string",
    "subject": "string",
    "state": "string",
    "verdict": "string",
    "started_at": "datetime64[us, UTC]",
    "ended_at": "datetime64[us, UTC]",
    "source": "string",
    "source_version": "string",
    "licence": "string",
    "attribution": "string",
    "url": "string",
    "source_file": "string",
    "prefix": "string",
    "manifest_sha256": "string",
    "batch": "string",
    "run": "string",
    "profile": "object",
    "warnings": "object",
    "labels": "object",
}
"""Columns of Ledger.sessions: `profile` and `labels` are mappings, `warnings` the sorted list of rule ids that warn."""


_MANY = 10_000
"""From so many sessions on, the findings of all are read rather than those of each."""


@dataclass(frozen=True)
class Accounting:
    """Where everything that was read went: `read` = accepted + quarantined + rejected + pending."""

    read: int
    accepted: int
    quarantined: int
    rejected: int
    pending: int


def sessions(
    connection: Connection,
    dataset: str,
    states: Iterable[str] | None,
    verdicts: Iterable[str] | None,
    kind: str | None,
    only: Iterable[str] | None,
) -> pd.DataFrame:
    """Sessions by state, verdict, kind and id, oldest first; columns and types as SESSION_COLUMNS."""
    names = ", ".join(name for name in SESSION_COLUMNS if name != "warnings")
    where, parameters = ["dataset = :dataset"], {"dataset": dataset}  # type: list[str], dict[str, Any]
    for column, wanted in (("state", states), ("verdict", verdicts), ("session", only)):
        if wanted is not None:
            where.append(f"{column} = ANY(:{column})")
            parameters[column] = [str(value) for value in wanted]
    if kind is not None:
        where.append("kind = :kind")
        parameters["kind"] = str(kind)
    frame = read_frame(
        connection,
        f"SELECT {names} FROM assay.sessions WHERE {' AND '.join(where)} ORDER BY started_at, session",  # noqa: S608 - constants
        parameters,
    )
    warnings = _warnings(connection, dataset, frame["session"].tolist())
    frame["warnings"] = pd.Series([warnings.get(session, []) for session in frame["session"]], dtype=object)
    return frame[list(SESSION_COLUMNS)].astype(dict(SESSION_COLUMNS))


def _warnings(connection: Connection, dataset: str, wanted: list[str]) -> dict[str, list[str]]:
    # Joined here and not in SQL, where the plan would hang on statistics that lag behind.
    which = "AND session = ANY(:wanted) " if len(wanted) < _MANY else ""
    answer = connection.execute(
        text(
            "SELECT session, array_agg(DISTINCT rule ORDER BY rule) FROM assay.findings "  # noqa: S608 - constants
            f"WHERE dataset = :dataset AND severity = 'warning' {which}GROUP BY session"
        ),
        {"dataset": dataset, "wanted": wanted if which else None},
    )
    return {session: list(rules) for session, rules in answer}


def raw_files(connection: Connection, dataset: str, only: Iterable[str] | None) -> pd.DataFrame:
    """The raw files of sessions (all, where none are named): session, path, size in bytes, sha256."""
    frame = _of_sessions(connection, dataset, only, "session, path, size, sha256", "raw_files", "session, path")
    return frame.astype({"session": "string", "path": "string", "size": "int64", "sha256": "string"})


def findings(connection: Connection, dataset: str, only: Iterable[str] | None) -> pd.DataFrame:
    """What the rules found in sessions (all, where none are named): FINDING_COLUMNS and stage."""
    columns = ", ".join((*FINDING_COLUMNS, "stage"))
    return _of_sessions(connection, dataset, only, columns, "findings", "session, stage, number").astype("string")


def rejections(connection: Connection, dataset: str) -> pd.DataFrame:
    """What could not become a session: source_file, sha256, reason, run, rejected_at."""
    return read_frame(
        connection,
        "SELECT source_file, sha256, reason, run, rejected_at FROM assay.rejections WHERE dataset = :dataset "
        "ORDER BY source_file, sha256",
        {"dataset": dataset},
    )


def known(connection: Connection, dataset: str, session_ids: Iterable[str]) -> set[str]:
    """Those of the ids that the ledger has."""
    found = connection.execute(
        text("SELECT session FROM assay.sessions WHERE dataset = :dataset AND session = ANY(:ids)"),
        {"dataset": dataset, "ids": list(session_ids)},
    )
    return set(found.scalars())


def accounting(connection: Connection, dataset: str, run: str | None) -> Accounting:
    """Count sessions and rejections of a dataset, or those that one run registered."""
    where = "dataset = :dataset" if run is None else "dataset = :dataset AND run = :run"
    accepted, quarantined, pending, rejected = connection.execute(
        text(
            "SELECT count(*) FILTER (WHERE verdict IN ('accepted', 'accepted with warnings')), "  # noqa: S608 - constants
            "count(*) FILTER (WHERE verdict = 'quarantined'), count(*) FILTER (WHERE verdict IS NULL), "
            f"count(*) FILTER (WHERE verdict = 'rejected') + (SELECT count(*) FROM assay.rejections WHERE {where}) "
            f"FROM assay.sessions WHERE {where}"
        ),
        {"dataset": dataset, "run": run},
    ).one()
    return Accounting(accepted + quarantined + pending + rejected, accepted, quarantined, rejected, pending)


def _of_sessions(
    connection: Connection, dataset: str, only: Iterable[str] | None, columns: str, table: str, order: str
) -> pd.DataFrame:
    which = "" if only is None else "AND session = ANY(:only) "
    return read_frame(
        connection,
        f"SELECT {columns} FROM assay.{table} WHERE dataset = :dataset {which}ORDER BY {order}",  # noqa: S608 - constants
        {"dataset": dataset, "only": None if only is None else list(only)},
    )


def read_frame(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """The answer to one of our own statements, values as the driver gives them."""
    answer = connection.execute(text(statement), parameters)
    return pd.DataFrame(answer.fetchall(), columns=list(answer.keys()), dtype=object)
