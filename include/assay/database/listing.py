"""Sessions a page at a time, with what was found in them and whether they are published: what a reader over HTTP asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.queries import read_frame

LISTED_COLUMNS = (
    "session",
    "kind",
    "subject",
    "state",
    "verdict",
    "started_at",
    "ended_at",
    "source",
    "licence",
    "attribution",
    "url",
    "snapshot",
)


@dataclass(frozen=True)
class Wanted:
    """Which sessions are listed; None asks for all. `published`: whether they are in a snapshot that was read back."""

    states: Iterable[str] | None = None
    verdicts: Iterable[str] | None = None
    subjects: Iterable[str] | None = None
    kinds: Iterable[str] | None = None
    published: bool | None = None
    started_from: datetime | None = None
    started_before: datetime | None = None
    session: str | None = None


def list_sessions(connection: Connection, dataset: str, wanted: Wanted, *, limit: int, offset: int) -> tuple[int, pd.DataFrame]:
    """How many sessions there are, and a page of them, newest first and then by id; columns LISTED_COLUMNS.

    `snapshot`: the first published snapshot that the session went into; None where there is none.
    """
    where, parameters = ["s.dataset = :dataset"], {"dataset": dataset}  # type: list[str], dict[str, object]
    for column, values in (
        ("state", wanted.states),
        ("verdict", wanted.verdicts),
        ("subject", wanted.subjects),
        ("kind", wanted.kinds),
    ):
        if values is not None:
            where.append(f"s.{column} = ANY(:{column})")
            parameters[column] = [str(value) for value in values]
    for name, clause, value in (
        ("started_from", "s.started_at >= :started_from", wanted.started_from),
        ("started_before", "s.started_at < :started_before", wanted.started_before),
        ("session", "s.session = :session", wanted.session),
    ):
        if value is not None:
            where.append(clause)
            parameters[name] = value
    if wanted.published is not None:
        where.append(f"p.snapshot IS {'NOT ' if wanted.published else ''}NULL")
    source = (
        "FROM assay.sessions s LEFT JOIN (SELECT DISTINCT ON (i.session) i.session, n.name AS snapshot "  # noqa: S608 - constants
        "FROM assay.snapshot_sessions i JOIN assay.snapshots n USING (dataset, name) "
        "WHERE n.dataset = :dataset AND n.state = 'published' ORDER BY i.session, n.begun_at, n.name) p "
        f"ON p.session = s.session WHERE {' AND '.join(where)}"
    )
    total = connection.scalar(text(f"SELECT count(*) {source}"), parameters)
    columns = ", ".join("p.snapshot" if name == "snapshot" else f"s.{name}" for name in LISTED_COLUMNS)
    page = read_frame(
        connection,
        f"SELECT {columns} {source} ORDER BY s.started_at DESC, s.session LIMIT :limit OFFSET :offset",
        {**parameters, "limit": limit, "offset": offset},
    )
    return int(total or 0), page


def count_unpublished(connection: Connection, dataset: str) -> int:
    """Accepted sessions that are in no published snapshot yet."""
    waiting = connection.scalar(
        text(
            "SELECT count(*) FROM assay.sessions s WHERE s.dataset = :dataset "
            "AND s.verdict IN ('accepted', 'accepted with warnings') "
            "AND NOT EXISTS (SELECT 1 FROM assay.snapshot_sessions i JOIN assay.snapshots n USING (dataset, name) "
            "WHERE i.dataset = s.dataset AND i.session = s.session AND n.state = 'published')"
        ),
        {"dataset": dataset},
    )
    return int(waiting or 0)
