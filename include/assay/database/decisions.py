"""Decisions of people about sessions: released against the rules, or rejected for good."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import storable
from assay.database.queries import read_frame
from assay.database.words import Decision, Verdict
from assay.errors import AssayError

MAX_WHY_CHARS = 2_000


def decide(connection: Connection, dataset: str, session: str, decision: str, who: str, why: str) -> None:
    """Write down a decision and give the session the verdict that follows; deciding the same again changes nothing.

    Raises AssayError when the session is not known, no reason is given, or there is nothing to overrule: a session that was held
    at verify or read has no measurements that could be released.
    """
    if decision not in set(Decision):
        raise ValueError(f"decision: found {decision!r}; expected one of {', '.join(Decision)}")
    if not why.strip() or len(why) > MAX_WHY_CHARS:
        raise AssayError(f"why: found {len(why.strip())} characters; expected a reason of 1 to {MAX_WHY_CHARS}")
    parameters = {
        "dataset": dataset,
        "session": session,
        "decision": str(decision),
        "who": storable(who),
        "why": storable(why.strip()),
    }
    row = connection.execute(
        text(
            "SELECT s.verdict, (SELECT decision FROM assay.decisions d WHERE d.dataset = s.dataset AND d.session = s.session "
            " ORDER BY number DESC LIMIT 1), EXISTS (SELECT FROM assay.findings f WHERE f.dataset = s.dataset "
            " AND f.session = s.session AND f.severity = 'quarantine' AND f.stage <> 'check'), "
            "EXISTS (SELECT FROM assay.findings f WHERE f.dataset = s.dataset AND f.session = s.session) "
            "FROM assay.sessions s WHERE s.dataset = :dataset AND s.session = :session FOR UPDATE"
        ),
        parameters,
    ).one_or_none()
    if row is None:
        raise AssayError(f"session {session} is not in the ledger of dataset {dataset!r}; `assay sessions list` shows what is")
    verdict, newest, held, has_findings = row
    if newest == decision:
        return
    if decision == Decision.RELEASED and (held or verdict not in (Verdict.QUARANTINED, Verdict.REJECTED)):
        found = "its raw files could not be verified or read, so there is nothing to release" if held else f"it is {verdict}"
        raise AssayError(f"session {session}: {found}; only a session that a rule of stage `check` put in quarantine is released")
    connection.execute(
        text(
            "INSERT INTO assay.decisions (dataset, session, number, decision, who, why) SELECT :dataset, :session, "
            "1 + count(*), :decision, :who, :why FROM assay.decisions WHERE dataset = :dataset AND session = :session"
        ),
        parameters,
    )
    # As a new judgement would give it: a session that was rejected by mistake and has no findings is simply accepted.
    overruled = verdict == Verdict.QUARANTINED or has_findings
    released = Verdict.ACCEPTED_WITH_WARNINGS if overruled else Verdict.ACCEPTED
    outcome = Verdict.REJECTED if decision == Decision.REJECTED else released
    connection.execute(
        text(
            "UPDATE assay.sessions SET state = 'judged', verdict = :verdict, changed_at = now() "
            "WHERE dataset = :dataset AND session = :session"
        ),
        {**parameters, "verdict": outcome.value},
    )


def decisions(connection: Connection, dataset: str) -> pd.DataFrame:
    """Every decision, oldest first: session, number, decision, who, why, decided_at."""
    return read_frame(
        connection,
        "SELECT session, number, decision, who, why, decided_at FROM assay.decisions WHERE dataset = :dataset "
        "ORDER BY decided_at, session, number",
        {"dataset": dataset},
    )
