"""What a person decides about a session counts against the rules, stays when they judge again, and is written down."""

from __future__ import annotations

import pandas as pd
import pytest
from assay.check.rule import FINDING_COLUMNS
from assay.database.ledger import Ledger
from assay.errors import AssayError
from made_sessions import made_arrival

pytestmark = pytest.mark.enable_socket


def finding(session: str) -> pd.DataFrame:
    row = (session, "physics.x", "quarantine", "f", "1", "2", "m")
    return pd.DataFrame([row], columns=list(FINDING_COLUMNS), dtype="string")


def judge(ledger: Ledger, session: str, verdict: str) -> None:
    found = finding(session) if verdict == "quarantined" else finding(session).iloc[:0]
    ledger.record_judgement(pd.DataFrame({"session": [session], "verdict": [verdict]}), found)


@pytest.fixture
def quarantined(ledger: Ledger) -> str:
    (session,) = ledger.register_many([made_arrival(1)]).new
    ledger.mark_verified([session])
    ledger.mark_read({session: "kind=instance_benchmark/date=2024-11-20/x.parquet"}, {session: {}})
    judge(ledger, session, "quarantined")
    return session


def verdict(ledger: Ledger) -> str:
    return str(ledger.sessions()["verdict"].iloc[0])


def test_a_released_session_stays_accepted_when_the_rules_judge_again(ledger: Ledger, quarantined: str) -> None:
    ledger.decide(quarantined, "released", who="ann", why="the rule is too strict")
    assert verdict(ledger) == "accepted with warnings"
    judge(ledger, quarantined, "quarantined")
    assert verdict(ledger) == "accepted with warnings"
    assert ledger.accounting().accepted == 1


def test_a_rejected_session_is_counted_as_rejected_whatever_the_rules_say(ledger: Ledger, quarantined: str) -> None:
    ledger.decide(quarantined, "rejected", who="ann", why="a broken machine")
    judge(ledger, quarantined, "accepted")
    assert verdict(ledger) == "rejected"
    counts = ledger.accounting()
    assert (counts.read, counts.accepted, counts.quarantined, counts.rejected) == (1, 0, 0, 1)


def test_every_decision_stays_with_who_and_why_and_the_same_one_counts_once(ledger: Ledger, quarantined: str) -> None:
    for decision in ("rejected", "rejected", "released"):
        ledger.decide(quarantined, decision, who="ann", why=f"because {decision}")
    kept = ledger.decisions()[["number", "decision", "who", "why"]].to_numpy().tolist()
    assert kept == [[1, "rejected", "ann", "because rejected"], [2, "released", "ann", "because released"]]
    assert verdict(ledger) == "accepted with warnings"


def test_a_session_whose_bytes_changed_cannot_be_released(ledger: Ledger, quarantined: str) -> None:
    ledger.record_findings("verify", [quarantined], finding(quarantined))
    with pytest.raises(AssayError, match="nothing to release"):
        ledger.decide(quarantined, "released", who="ann", why="please")


@pytest.mark.parametrize("why", ["", "   ", "x" * 2_001])
def test_a_decision_needs_a_reason(ledger: Ledger, quarantined: str, why: str) -> None:
    with pytest.raises(AssayError, match="expected a reason"):
        ledger.decide(quarantined, "released", who="ann", why=why)


def test_a_session_that_is_not_there_is_named(ledger: Ledger) -> None:
    with pytest.raises(AssayError, match="not in the ledger"):
        ledger.decide("20241120T093011Z-000000000000", "rejected", who="ann", why="x")
