"""expectation.*: what the Great Expectations suites find, and which sessions it belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from assay.check import expectations
from assay.check.data_docs import write_data_docs
from assay.check.expectations import suites, validate
from assay.check.registry import all_rules
from assay.check.rule import Batch
from made_batches import batch, findings_of, found_in, run, session, stream

OK = stream(45.217, 44.819, 42.103, 41.984)
LINES = [line for suite in suites() if suite.kind == "instance_benchmark" for line in suite.expectations]

SPOILT: dict[str, tuple[str, str, object]] = {
    "expectation.value-there": ("measurements", "value", float("nan")),
    "expectation.value-positive": ("measurements", "value", 0.0),
    "expectation.value-not-negative": ("measurements", "value", -1.0),
    "expectation.unit-known": ("measurements", "unit", "parsecs"),
    "expectation.unit-there": ("measurements", "unit", None),
    "expectation.key-complete": ("measurements", "build_flags", None),
    "expectation.metric-name": ("measurements", "metric", "Triad Bandwidth"),
    "expectation.thread-mode": ("measurements", "threads", "every"),
    "expectation.execution-number": ("measurements", "execution", 0),
    "expectation.summary-samples": ("measurements", "summary_n", 0),
    "expectation.summary-spread": ("measurements", "summary_sd", -0.5),
    "expectation.duration": ("executions", "duration_s", -1.0),
    "expectation.status-known": ("executions", "status", "done"),
    "expectation.times-in-order": ("sessions", "ended_at", pd.Timestamp("2020-01-01", tz="UTC")),
}
OTHERWISE = {"expectation.columns", "expectation.session-id"}


def spoilt(table: str, column: str, value: object) -> tuple[Batch, str]:
    """Three good sessions, the second with one value spoilt."""
    made = batch(*(session(kind, OK) for kind in ("m7i.large", "c7g.large", "m5.large")))
    tables = {name: getattr(made, name).copy() for name in ("sessions", "files", "executions", "measurements")}
    name = made.sessions["session"].iloc[1]
    frame = tables[table]
    frame.loc[frame.index[(frame["session"] == name).to_numpy()][0], column] = value
    return Batch(**tables), str(name)


@pytest.mark.parametrize("rule", sorted(SPOILT))
def test_each_expectation_finds_the_session_that_breaks_it(rule: str) -> None:
    made, name = spoilt(*SPOILT[rule])
    [row] = findings_of(rule, made).to_dict("records")
    assert row["session"] == name
    assert row["message"].startswith(next(line.says for line in LINES if line.rule == rule))


def test_every_line_of_every_suite_is_a_rule_with_a_test() -> None:
    rules = {rule.id for rule in all_rules() if rule.id.startswith("expectation.")}
    rules -= {line.rule for suite in suites() if suite.kind == "recording" for line in suite.expectations}
    assert rules == {line.rule for line in LINES} == set(SPOILT) | OTHERWISE


def test_expectation_columns_holds_every_session_of_a_table_that_is_another() -> None:
    made = batch(session("m7i.large", OK), session("c7g.large", OK))
    more = Batch(made.sessions, made.files, made.executions, made.measurements.assign(surprise=1))
    assert found_in("expectation.columns", more) == list(made.sessions["session"])


def test_expectation_session_id_wants_the_form_of_one() -> None:
    assert found_in("expectation.session-id", batch(session("m7i.large", OK, name="my session"))) == ["my session"]


def test_good_sessions_meet_every_expectation() -> None:
    launch = run("launch", "seconds", threads="unknown (made)", boot_time=0.0, version="unknown")
    validation = validate(batch(session("m7i.large", OK), session("c7g.large", launch, OK)))
    assert {rule for rule, found in validation.findings.items() if len(found)} == set()
    assert all(result.success for result in validation.results.values())


def test_a_batch_without_sessions_of_the_kind_is_not_validated() -> None:
    made = batch(session("m7i.large", OK))
    other = Batch(made.sessions.assign(kind="table_batch"), made.files, made.executions, made.measurements)
    assert validate(other).results == {}


def test_data_docs_name_the_failure_and_need_no_network(tmp_path: Path) -> None:
    made, name = spoilt("measurements", "unit", "parsecs")
    index = write_data_docs(validate(made), tmp_path / "data_docs")
    page = (tmp_path / "data_docs" / "instance_benchmark-measurements.html").read_text()
    assert "parsecs" in page
    assert name in page
    assert "instance_benchmark-measurements.html" in index.read_text()
    for written in tmp_path.rglob("*.html"):
        assert "<script" not in written.read_text()
        assert "<link" not in written.read_text()
        assert " src=" not in written.read_text()


def test_a_suite_that_is_none_is_refused_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recording.json").write_text(json.dumps({"kind": "recording", "version": "1", "expectations": [{"rule": "x"}]}))
    monkeypatch.setattr(expectations, "SUITES", tmp_path)
    suites.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"recording\.json"):
            suites()
    finally:
        monkeypatch.undo()
        suites.cache_clear()
