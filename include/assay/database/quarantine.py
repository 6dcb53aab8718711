"""What stands in quarantine, a page at a time, with its reasons and with what people decided about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

MOST_REASONS = 20
"""Reasons of one session on a page; of more it says how many there are."""

_NEWEST = (
    "LEFT JOIN LATERAL (SELECT d.decision, d.who, d.why, d.decided_at FROM assay.decisions d "
    "WHERE d.dataset = s.dataset AND d.session = s.session ORDER BY d.number DESC LIMIT 1) d ON true"
)
_HELD = "s.dataset = :dataset AND (s.verdict IN ('quarantined', 'rejected') OR d.decision IS NOT NULL)"
_WANTED = (
    f"FROM assay.sessions s {_NEWEST} WHERE {_HELD} "
    "AND (CAST(:source AS text) IS NULL OR s.source = :source) "
    "AND (CAST(:rule AS text) IS NULL OR EXISTS (SELECT FROM assay.findings f WHERE f.dataset = s.dataset "
    "AND f.session = s.session AND f.severity = 'quarantine' AND f.rule = :rule))"
)


@dataclass(frozen=True)
class Reason:
    """One finding that quarantines."""

    rule: str
    file: str
    value: str
    expected: str
    message: str


@dataclass(frozen=True)
class Held:
    """One session that the rules quarantined or a person decided about. `decision` is empty where nobody did."""

    session: str
    subject: str
    source: str
    source_file: str
    started_at: datetime
    verdict: str
    decision: str
    who: str
    why: str
    decided_at: datetime | None
    reason_count: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class QuarantinePage:
    """Sessions of one page, newest first; `total` of all pages; to choose from: sessions by rule and by source, all datasets."""

    sessions: tuple[Held, ...]
    total: int
    rules: Mapping[str, int]
    sources: Mapping[str, int]
    datasets: tuple[str, ...]


def read_page(
    engine: Engine, dataset: str, *, rule: str | None = None, source: str | None = None, limit: int = 50, offset: int = 0
) -> QuarantinePage:
    """Sessions in quarantine, and those that a person rejected or released, `limit` of them from `offset` on.

    `rule`: those with a reason of this rule; `source`: those of this source. An unknown dataset, rule or source has none.
    """
    wanted = {"dataset": dataset, "rule": rule, "source": source}
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT s.session, s.subject, s.source, s.source_file, s.started_at, coalesce(s.verdict, '') AS verdict, "
                "coalesce(d.decision, '') AS decision, coalesce(d.who, '') AS who, coalesce(d.why, '') AS why, d.decided_at "
                f"{_WANTED} ORDER BY s.started_at DESC, s.session LIMIT :limit OFFSET :offset"
            ),
            {**wanted, "limit": limit, "offset": offset},
        ).all()
        reasons = _reasons(connection, dataset, [row.session for row in rows])
        return QuarantinePage(
            sessions=tuple(_held(row, reasons.get(row.session, [])) for row in rows),
            total=int(connection.scalar(text(f"SELECT count(*) {_WANTED}"), wanted) or 0),
            rules=_counted(
                connection,
                f"SELECT f.rule, count(DISTINCT f.session) FROM assay.sessions s {_NEWEST} JOIN assay.findings f "  # noqa: S608
                "ON f.dataset = s.dataset AND f.session = s.session AND f.severity = 'quarantine' "
                f"WHERE {_HELD} GROUP BY f.rule ORDER BY f.rule",
                dataset,
            ),
            sources=_counted(
                connection,
                f"SELECT s.source, count(*) FROM assay.sessions s {_NEWEST} WHERE {_HELD} "  # noqa: S608 - constants
                "GROUP BY s.source ORDER BY s.source",
                dataset,
            ),
            datasets=tuple(connection.execute(text("SELECT dataset FROM assay.datasets ORDER BY dataset")).scalars()),
        )


def _counted(connection: Connection, statement: str, dataset: str) -> dict[str, int]:
    return {name: int(count) for name, count in connection.execute(text(statement), {"dataset": dataset})}


def _reasons(connection: Connection, dataset: str, sessions: Sequence[str]) -> dict[str, list[tuple[int, Reason]]]:
    """By session its first reasons, each with the number of all reasons of the session."""
    answer = connection.execute(
        text(
            "SELECT session, of_all, rule, file, value, expected, message FROM (SELECT *, "
            "count(*) OVER (PARTITION BY session) AS of_all, "
            "row_number() OVER (PARTITION BY session ORDER BY stage, number) AS place FROM assay.findings "
            "WHERE dataset = :dataset AND severity = 'quarantine' AND session = ANY(:sessions)) f "
            "WHERE place <= :most ORDER BY session, place"
        ),
        {"dataset": dataset, "sessions": list(sessions), "most": MOST_REASONS},
    )
    found: dict[str, list[tuple[int, Reason]]] = {}
    for session, of_all, *reason in answer:
        found.setdefault(session, []).append((int(of_all), Reason(*reason)))
    return found


def _held(row: Any, reasons: Sequence[tuple[int, Reason]]) -> Held:
    return Held(**row._mapping, reason_count=reasons[0][0] if reasons else 0, reasons=tuple(reason for _, reason in reasons))
