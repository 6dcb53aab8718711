"""The registry of rules, one verdict a session, and the page that lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from assay.check.document import rules_markdown
from assay.check.judge import judge, verdicts
from assay.check.registry import all_rules
from assay.check.rule import FINDING_COLUMNS, Batch, Rule, Severity, Stage
from assay.check.rules import reading
from assay.database.words import FINDING_COLUMNS as LEDGER_FINDING_COLUMNS
from assay.read import rules as read_rules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_batches import batch, part, reordered, run, session, shuffled, stream

HERE = Path(__file__).parent
OK = stream(45.217, 44.819, 42.103, 41.984)
FAST = [rule for rule in all_rules() if not rule.id.startswith("expectation.")]
"""Everything but Great Expectations, which takes seconds to import and has tests of its own."""


def test_ids_are_unique_and_say_their_group() -> None:
    ids = [rule.id for rule in all_rules()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", each) for each in ids)


def test_every_rule_says_what_and_why() -> None:
    for rule in all_rules():
        assert rule.says.endswith("."), rule.id
        assert rule.because.rstrip(")").endswith((".", ")")) or rule.because.endswith("."), rule.id
        assert (rule.judge is None) == (rule.stage != Stage.CHECK), rule.id


def test_every_rule_that_judges_has_a_test_named_with_its_id() -> None:
    names = " ".join(path.read_text() for path in HERE.glob("test_*.py"))
    for rule in all_rules():
        if rule.judge is not None and not rule.id.startswith("expectation."):
            name = rule.id.replace(".", "_").replace("-", "_")
            assert f"def test_{name}" in names or f'"{rule.id}"' in names or rule.id in names, rule.id


def test_readers_and_the_registry_agree_on_what_only_warns() -> None:
    for rule in reading.RULES:
        assert read_rules.severity(rule.id) == rule.severity.value, rule.id


def test_findings_have_the_columns_of_the_ledger() -> None:
    assert FINDING_COLUMNS == LEDGER_FINDING_COLUMNS


def test_the_page_of_rules_is_fresh_and_lists_them_all() -> None:
    page = rules_markdown()
    assert all(f"| `{rule.id}` |" in page for rule in all_rules())
    root = Path(__file__).parents[3]
    assert (root / "docs" / "rules.md").read_text(encoding="utf-8") == page, "docs/rules.md is stale: run `make docs`"


def test_a_quarantining_finding_holds_and_a_warning_warns() -> None:
    found = pd.DataFrame({"session": ["a", "b", "b"], "severity": ["warning", "warning", "quarantine"]})
    assert verdicts(["c", "b", "a"], found).to_dict("records") == [
        {"session": "a", "verdict": "accepted with warnings"},
        {"session": "b", "verdict": "quarantined"},
        {"session": "c", "verdict": "accepted"},
    ]


def test_a_finding_carries_its_rule_and_severity_and_no_empty_field() -> None:
    found = judge(batch(session("m7i.large", OK, claimed_suite="hpl", claimed_payload=["stream"])), FAST)
    [row] = found[found["severity"] == "quarantine"].to_dict("records")
    assert row["rule"] == "integrity.suite-payload"
    assert row["file"] == "stream/all/1/stdout.txt"  # the session's only file
    assert found.notna().all(axis=None)
    assert tuple(found.columns) == FINDING_COLUMNS


def test_an_empty_batch_has_no_findings() -> None:
    assert judge(batch(), FAST).empty


def test_a_session_without_numbers_is_judged_too() -> None:
    found = judge(batch(session("m7i.large")), FAST)
    assert "integrity.failed" in set(found["rule"])


RESULTS = st.sampled_from(
    [
        OK,
        stream(45.2, 44.8, 42.1, 41.9),
        stream(42.94, 42.56, 39.995, 39.805),
        stream(14.187, 13.947, 14.2071, 14.2172),
        stream(45.217, 44.819, 42.103, 4.1984e5),
        stream(1.0, 2.0, 3.0, 4.0, execution=2, threads="one", version="unknown (made)"),
        run(
            "hpl",
            "GFLOPS",
            gflops=1.671,
            execution_time=(1.197, "seconds"),
            problem_sizes={"gflops": 1000, "execution_time": 1000},
        ),
        run("hpl", "GFLOPS", gflops=float("nan")),
        run("cache_latency", "nanoseconds", l1_latency=1.93, l2_latency=1.93, l3_latency=1.93, dram_latency=1.93),
        run("stream", triad_bandwidth=41.0, passes={"triad_bandwidth": [41.0] * 12}),
        run("stream", status="failed", exit_code=1),
        run("launch", "seconds", boot_time=0.0, create_time=3.0),
    ]
)
SUBJECTS = st.sampled_from(["m7i.large", "c7g.large", "t3.large", "m5.large", "host-0a1b2c3d", "zz9.large"])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(st.lists(st.tuples(SUBJECTS, st.lists(RESULTS, max_size=3)), max_size=10), st.integers(0, 50))
def test_any_batch_has_one_verdict_a_session_in_any_order(rows: list[tuple[str, list[object]]], seed: int) -> None:
    made = batch(*(session(subject, *runs) for subject, runs in rows))  # type: ignore[arg-type]
    found = judge(made, FAST)
    pd.testing.assert_frame_equal(judge(reordered(made, seed), FAST), found)
    decided = verdicts(made.sessions["session"], found)
    pd.testing.assert_frame_equal(verdicts(made.sessions["session"], judge(shuffled(made, seed), FAST)), decided)
    assert sorted(decided["session"]) == sorted(made.sessions["session"])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(st.lists(st.tuples(SUBJECTS, RESULTS), min_size=2, max_size=8), st.data())
def test_any_split_ends_in_the_verdicts_of_the_whole(rows: list[tuple[str, object]], data: st.DataObject) -> None:
    """Whatever was judged before, the last judgement sees every session and decides alone."""
    made = batch(*(session(subject, one) for subject, one in rows))  # type: ignore[arg-type]
    names = list(made.sessions["session"])
    cut = data.draw(st.integers(1, len(names)))
    judge(part(made, names[:cut]), FAST)
    pd.testing.assert_frame_equal(judge(made, FAST), judge(part(made, names), FAST))


def test_two_rules_with_one_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = Rule("reading.unreadable", Severity.WARNING, "Twice.", "Twice.", stage=Stage.READ)
    monkeypatch.setattr(reading, "RULES", (*reading.RULES, twin))
    all_rules.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"reading\.unreadable"):
            all_rules()
    finally:
        monkeypatch.undo()
        all_rules.cache_clear()


def test_what_a_rule_asks_once_is_computed_once() -> None:
    calls = []

    def count(given_batch: Batch) -> int:
        calls.append(len(given_batch.sessions))
        return len(calls)

    made = batch(session("m7i.large", OK))
    assert [made.once(count), made.once(count)] == [1, 1]
