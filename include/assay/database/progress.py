"""How sessions advance: verified, read, judged, and what was found. Set-based: a batch of any size is a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import load_temporary
from assay.database.words import FINDING_COLUMNS, SEVERITIES, STAGES, Verdict
from assay.errors import AssayError

_HELD = (
    "EXISTS (SELECT FROM assay.findings f WHERE f.dataset = s.dataset AND f.session = s.session "
    "AND f.severity = 'quarantine' AND f.stage <> 'check')"
)
"""Quarantined where raw files were verified, read or preprocessed; no verdict of the rules undoes that."""


_DECIDED = (
    "CASE (SELECT d.decision FROM assay.decisions d WHERE d.dataset = :dataset AND d.session = given.session "
    "ORDER BY d.number DESC LIMIT 1) WHEN 'rejected' THEN 'rejected' "
    "WHEN 'released' THEN replace(given.verdict, 'quarantined', 'accepted with warnings') ELSE given.verdict END"
)
"""The verdict that the rules give, unless a person decided otherwise."""


def mark_verified(connection: Connection, dataset: str, sessions: Iterable[str]) -> None:
    """Arrived sessions become verified; so do those that were held at verify or read and have no such finding any more."""
    _load_sessions(connection, sessions)
    connection.execute(
        text(
            "UPDATE assay.sessions s SET state = 'verified', verdict = NULL, changed_at = now() FROM given g "  # noqa: S608
            "WHERE s.dataset = :dataset AND s.session = g.session "
            f"AND (s.state = 'arrived' OR (s.state = 'judged' AND s.batch IS NULL)) AND NOT {_HELD}"
        ),
        {"dataset": dataset},
    )


def mark_read(
    connection: Connection, dataset: str, batches: Mapping[str, str], profiles: Mapping[str, Mapping[str, Any]]
) -> None:
    """Note where the rows of sessions lie and what they say of their machine; the sessions wait to be judged (again)."""
    frame = pd.DataFrame(
        {"session": list(batches), "batch": list(batches.values()), "profile": [dict(profiles.get(s, {})) for s in batches]}
    )
    load_temporary(connection, "given", frame, ["text", "text", "jsonb"])
    _require_known(connection, dataset)
    connection.execute(
        text(
            "UPDATE assay.sessions s SET batch = g.batch, profile = g.profile, changed_at = now(), "  # noqa: S608
            f"state = CASE WHEN {_HELD} THEN s.state ELSE 'read' END, "
            f"verdict = CASE WHEN {_HELD} THEN s.verdict END "
            "FROM given g WHERE s.dataset = :dataset AND s.session = g.session AND s.state <> 'arrived'"
        ),
        {"dataset": dataset},
    )


def record_findings(connection: Connection, dataset: str, stage: str, sessions: Iterable[str], findings: pd.DataFrame) -> None:
    """Replace what a stage found in these sessions; at verify and read, a reason for quarantine ends the session's path there."""
    if stage not in STAGES:
        raise ValueError(f"stage: found {stage!r}; expected one of {', '.join(STAGES)}")
    _load_sessions(connection, sessions)
    _require_known(connection, dataset)
    load_temporary(connection, "found", _numbered(findings), ["text", "integer", *["text"] * (len(FINDING_COLUMNS) - 1)])
    stray = connection.scalar(text("SELECT min(session) FROM found WHERE session NOT IN (SELECT session FROM given)"))
    if stray is not None:
        raise ValueError(f"findings: session {stray} is not among the sessions whose findings are replaced")
    parameters = {"dataset": dataset, "stage": stage}
    same = " AND ".join(f"f.{name} = n.{name}" for name in ("session", "number", *FINDING_COLUMNS[1:]))
    # Only what changed is written: judging everything again, which every new batch does, must not rewrite the table.
    connection.execute(
        text(
            "DELETE FROM assay.findings f USING given g WHERE f.dataset = :dataset AND f.session = g.session "  # noqa: S608
            f"AND f.stage = :stage AND NOT EXISTS (SELECT FROM found n WHERE {same})"
        ),
        parameters,
    )
    columns = ", ".join(("session", "number", *FINDING_COLUMNS[1:]))
    connection.execute(
        text(
            f"INSERT INTO assay.findings (dataset, stage, {columns}) SELECT :dataset, :stage, {columns} FROM found "  # noqa: S608
            "ON CONFLICT DO NOTHING"
        ),
        parameters,
    )
    if stage != "check":
        connection.execute(
            text(
                "UPDATE assay.sessions s SET state = 'judged', verdict = 'quarantined', changed_at = now() FROM given g "
                "WHERE s.dataset = :dataset AND s.session = g.session "
                "AND s.verdict IS DISTINCT FROM 'quarantined' AND s.verdict IS DISTINCT FROM 'rejected' AND EXISTS ("
                "  SELECT FROM assay.findings f WHERE f.dataset = s.dataset AND f.session = s.session"
                "  AND f.stage = :stage AND f.severity = 'quarantine')"
            ),
            parameters,
        )


def record_verdicts(connection: Connection, dataset: str, verdicts: pd.DataFrame) -> None:
    """Sessions that were read become judged. One that was held at verify or read stays quarantined whatever is given."""
    unknown = set(verdicts["verdict"]) - set(Verdict)
    if unknown:
        raise ValueError(f"verdict: found {sorted(unknown)}; expected one of {', '.join(Verdict)}")
    frame = pd.DataFrame({"session": verdicts["session"].to_list(), "verdict": [str(v) for v in verdicts["verdict"]]})
    load_temporary(connection, "given", frame.drop_duplicates("session", keep="last"), ["text", "text"])
    _require_known(connection, dataset)
    connection.execute(
        text(
            "UPDATE assay.sessions s SET state = 'judged', verdict = g.verdict, changed_at = now() FROM ("  # noqa: S608
            f"  SELECT given.session, {_DECIDED} AS verdict FROM given) g "
            "WHERE s.dataset = :dataset AND s.session = g.session AND s.state IN ('read', 'judged') "
            f"AND s.verdict IS DISTINCT FROM g.verdict AND NOT {_HELD}"
        ),
        {"dataset": dataset},
    )


def _load_sessions(connection: Connection, sessions: Iterable[str]) -> None:
    load_temporary(connection, "given", pd.DataFrame({"session": sorted(set(sessions))}, dtype="string"), ["text"])


def _require_known(connection: Connection, dataset: str) -> None:
    stray = connection.scalar(
        text(
            "SELECT min(g.session) FROM given g LEFT JOIN assay.sessions s ON s.dataset = :dataset AND s.session = g.session "
            "WHERE s.session IS NULL"
        ),
        {"dataset": dataset},
    )
    if stray is not None:
        raise AssayError(f"session {stray} is not in the ledger of dataset {dataset!r}; register it first")


def _numbered(findings: pd.DataFrame) -> pd.DataFrame:
    """The findings without repetitions, in an order that does not depend on how they came, numbered within each session."""
    frame = findings.reindex(columns=list(FINDING_COLUMNS)).astype("string").fillna("")
    bad = set(frame["severity"]) - set(SEVERITIES)
    if bad:
        raise ValueError(f"severity: found {sorted(bad)}; expected one of {', '.join(SEVERITIES)}")
    frame = frame.drop_duplicates().sort_values(list(FINDING_COLUMNS), ignore_index=True)
    frame.insert(1, "number", frame.groupby("session").cumcount())
    return frame
