"""Whatever happens in whatever order: read = accepted + quarantined + rejected + pending, and a plain model agrees."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from itertools import count

import pandas as pd
from assay.database.ledger import Ledger, Verdict
from assay.errors import AssayError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_sessions import made_arrival, made_findings, made_manifest
from sqlalchemy import Engine

NUMBERS = st.integers(0, 4)
FILES = st.integers(0, 6)
GIVEN = st.sampled_from([verdict for verdict in Verdict if verdict != Verdict.REJECTED])
OPERATIONS = st.one_of(
    st.tuples(st.just("register"), st.lists(NUMBERS, max_size=4)),
    st.tuples(st.just("reject"), FILES),
    st.tuples(st.just("verify"), NUMBERS, st.booleans()),
    st.tuples(st.just("read"), NUMBERS, st.booleans()),
    st.tuples(st.just("judge"), st.lists(NUMBERS, max_size=3), GIVEN),
)
DATASETS = count()


@dataclass
class Model:
    """The same rules in plain words: sessions by number with state, verdict and the stages that hold them; rejected files."""

    state: dict[int, str] = field(default_factory=dict)
    verdict: dict[int, str | None] = field(default_factory=dict)
    held: dict[int, set[str]] = field(default_factory=dict)
    was_read: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)

    def register(self, numbers: list[int]) -> None:
        for number in numbers:
            if number not in self.state:
                self.state[number], self.verdict[number], self.held[number] = "arrived", None, set()
            self.rejected.discard(number)

    def reject(self, file: int) -> None:
        if file not in self.state:
            self.rejected.add(file)

    def find(self, stage: str, number: int, bad: bool) -> None:
        if bad:
            self.held[number].add(stage)
            self.state[number], self.verdict[number] = "judged", "quarantined"
        else:
            self.held[number].discard(stage)

    def verify(self, number: int, bad: bool) -> None:
        self.find("verify", number, bad)
        stuck = self.state[number] == "judged" and number not in self.was_read
        if not self.held[number] and (self.state[number] == "arrived" or stuck):
            self.state[number], self.verdict[number] = "verified", None

    def read(self, number: int, bad: bool) -> None:
        self.find("read", number, bad)
        if self.state[number] != "arrived":
            self.was_read.add(number)
            if not self.held[number]:
                self.state[number], self.verdict[number] = "read", None

    def judge(self, numbers: list[int], verdict: str) -> None:
        for number in numbers:
            if self.state[number] in ("read", "judged") and not self.held[number]:
                self.state[number], self.verdict[number] = "judged", verdict


def apply(ledger: Ledger, model: Model, operation: tuple[object, ...]) -> None:
    name, what, *rest = operation
    if name == "register":
        ledger.register_many(made_arrival(n, source_file=f"{n}.json", dataset=ledger.dataset) for n in what)  # type: ignore[attr-defined]
        model.register(what)  # type: ignore[arg-type]
    elif name == "reject":
        ledger.reject(f"{what}.json", "not JSON", made_manifest(what).files[0].sha256)  # type: ignore[arg-type]
        model.reject(what)  # type: ignore[arg-type]
    elif name == "judge":
        numbers = [number for number in what if number in model.state]  # type: ignore[attr-defined]
        sessions = [made_manifest(number).session for number in numbers]
        ledger.record_verdicts(pd.DataFrame({"session": sessions, "verdict": [rest[0]] * len(sessions)}))
        model.judge(numbers, str(rest[0]))
    elif what in model.state:
        session = made_manifest(what).session  # type: ignore[arg-type]
        findings = made_findings((session, "a.rule", "quarantine")) if rest[0] else made_findings()
        ledger.record_findings(str(name), [session], findings)
        if name == "verify":
            ledger.mark_verified([session])
            model.verify(what, bool(rest[0]))  # type: ignore[arg-type]
        else:
            ledger.mark_read({session: "kind=x/1.parquet"}, {})
            model.read(what, bool(rest[0]))  # type: ignore[arg-type]


@given(operations=st.lists(OPERATIONS, max_size=15))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_operations_keeps_the_sums_closed_and_the_states_right(
    engine: Engine, operations: list[tuple[object, ...]]
) -> None:
    ledger, model = Ledger(engine, f"any-{next(DATASETS)}"), Model()
    ledger.open_dataset()
    for operation in operations:
        apply(ledger, model, operation)
        found = ledger.accounting()
        assert found.read == found.accepted + found.quarantined + found.rejected + found.pending
    frame = ledger.sessions()
    numbers = {made_manifest(number).session: number for number in range(5)}
    assert {numbers[row.session]: row.state for row in frame.itertuples()} == model.state
    verdicts = {numbers[row.session]: None if pd.isna(row.verdict) else row.verdict for row in frame.itertuples()}
    assert verdicts == model.verdict
    assert ledger.accounting().rejected == len(model.rejected)
    assert ledger.accounting().read == len(model.state) + len(model.rejected)
    # Everything once more: nothing may change.
    before = ledger.accounting()
    for operation in operations:
        if operation[0] in ("register", "reject"):
            apply(ledger, model, operation)
    assert ledger.accounting() == before


@given(
    decisions=st.lists(st.tuples(NUMBERS, st.sampled_from(["released", "rejected"]), st.booleans()), max_size=8),
    verdict=GIVEN,
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_decisions_of_people_keep_the_sums_closed_through_a_new_judgement(
    engine: Engine, decisions: list[tuple[int, str, bool]], verdict: str
) -> None:
    ledger = Ledger(engine, f"decided-{next(DATASETS)}")
    ledger.register_many(made_arrival(number, dataset=ledger.dataset) for number in range(5))
    sessions = [made_manifest(number).session for number in range(5)]
    ledger.mark_verified(sessions)
    ledger.mark_read(dict.fromkeys(sessions, "x"), {})
    judgement = pd.DataFrame({"session": sessions, "verdict": [verdict] * 5})
    severity = {Verdict.QUARANTINED: "quarantine", Verdict.ACCEPTED_WITH_WARNINGS: "warning"}.get(Verdict(verdict))
    ledger.record_judgement(judgement, made_findings(*((s, "a.rule", severity) for s in sessions if severity)))
    for number, decision, judge_again in decisions:
        with contextlib.suppress(AssayError):  # nothing to release, or nothing to overrule
            ledger.decide(sessions[number], decision, who="bob", why="seen with my own eyes")
        if judge_again:
            ledger.record_verdicts(judgement)
        found = ledger.accounting()
        assert found.read == 5 == found.accepted + found.quarantined + found.rejected
    before = ledger.sessions()[["session", "verdict"]]
    ledger.record_verdicts(judgement)
    pd.testing.assert_frame_equal(ledger.sessions()[["session", "verdict"]], before)
