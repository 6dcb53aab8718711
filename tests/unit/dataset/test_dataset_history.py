"""Documents over time: bounded trends, whole series of each family, weekly and quarterly aggregates."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from assay.dataset import window as window_module
from assay.dataset.build import build_documents
from assay.dataset.content import DatasetContent
from assay.dataset.encode import rounded, rounded_all
from assay.dataset.models import contract_of
from assay.dataset.periods import Period, day_numbers, last_day, period_name, period_starts
from assay.dataset.trace import measured_values, trace_steps
from assay.dataset.trends import family_path
from assay.dataset.validate import validate_documents
from assay.dataset.window import choose_window
from assay.errors import PublicationError, SchemaMismatch
from assay.summarize.statistics import summarize
from dataset_content import Series, fleet, make_content, session_name, simple, stream
from hypothesis import given
from hypothesis import strategies as st


def over_time(content: DatasetContent) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The documents of a snapshot, and those over time by path; all validated."""
    archived: dict[str, bytes] = {}
    built = build_documents(content, archived.__setitem__)
    validate_documents(built)
    validate_documents(archived)
    return built, archived


def daily(subject: str, levels: list[float], every: int = 1, **options: Any) -> Series:
    """One session every so many days from 2024-11-20 on, three executions each."""
    values: list[list[float]] = [[] for _ in range(24 * every * len(levels))]
    for number, level in enumerate(levels):
        values[24 * every * number] = [level * 0.999, level, level * 1.001]
    return Series(subject, "hpl", "gflops", "GFLOPS", values, **options)


def test_every_value_over_time_leads_to_the_raw_files_of_its_sessions() -> None:
    content = make_content([*fleet(), daily("m7i.2xlarge", [40.0] * 12 + [50.0] * 12)])
    built, archived = over_time(content)
    raw = content.raw_files.groupby("session")["sha256"].agg(set).to_dict()
    documents = {name: orjson.loads(data) for name, data in {**built, **archived}.items() if name.endswith(".json")}
    walked: dict[str, int] = {}
    for name in (*archived, "trends.json"):
        for keys in measured_values(documents[name]):
            reached: dict[str, set[str]] = {}
            for step in trace_steps(documents, name, keys):
                if step["step"] == "raw_file":
                    reached.setdefault(step["session"], set()).add(step["sha256"])
            assert reached, f"{name} {keys}"
            assert all(reached[session] == raw[session] for session in reached)
            walked[name] = walked.get(name, 0) + 1
    assert walked.keys() == {*archived, "trends.json"}
    assert sum(walked.values()) > 600


def test_the_manifest_lists_every_document_over_time_with_its_hash() -> None:
    built, archived = over_time(make_content())
    listed = orjson.loads(built["manifest.json"])["history"]
    assert [entry["path"] for entry in listed] == sorted(archived)
    for entry in listed:
        assert entry["bytes"] == len(archived[entry["path"]])
        assert entry["sha256"] == hashlib.sha256(archived[entry["path"]]).hexdigest()
    assert {"v1.0/weekly-aggregates/2024-W47.json", "historical/2024-Q4/aggregates.json"} <= archived.keys()
    assert {f"historical/trends/{family}.json" for family in ("m7i", "c7g", "c7a", "host")} <= archived.keys()


def test_documents_over_time_or_not_say_the_same() -> None:
    with_history, without = over_time(make_content())[0], build_documents(make_content())
    different = {name for name in with_history if with_history[name] != without[name]}
    assert different == {"manifest.json"}
    digests = {orjson.loads(built["manifest.json"])["content_digest"] for built in (with_history, without)}
    assert len(digests) == 1


def test_the_order_of_the_rows_changes_no_byte() -> None:
    content = make_content()
    shuffled = replace(content, measurements=content.measurements.sample(frac=1, random_state=1))
    assert over_time(shuffled) == over_time(content)


def test_one_new_session_touches_only_its_family_its_week_and_its_quarter() -> None:
    before = [daily("m7i.large", [40.0] * 30), daily("c7g.large", [30.0] * 30)]
    after = [daily("m7i.large", [40.0] * 30), daily("c7g.large", [30.0] * 31)]
    _, old = over_time(make_content(before))
    _, new = over_time(make_content(after))
    assert {path for path in new if old.get(path) != new[path]} == {
        "historical/trends/c7g.json",
        "v1.0/weekly-aggregates/2024-W51.json",
        "historical/2024-Q4/aggregates.json",
    }
    assert old.keys() == new.keys()


@pytest.mark.parametrize(
    ("path", "days"), [("v1.0/weekly-aggregates/2024-W48.json", range(5, 12)), ("historical/2024-Q4/aggregates.json", range(42))]
)
def test_an_aggregate_is_what_summarize_says_of_the_sessions_of_its_period(path: str, days: range) -> None:
    rng = np.random.default_rng(2)
    content = make_content([daily("m7i.large", rng.lognormal(3, 0.1, 60).tolist()), *stream("c7g.large", 50)])
    document = orjson.loads(over_time(content)[1][path])
    sessions = [session_name("m7i.large", 24 * day) for day in days]
    table = content.measurements
    (expected,) = summarize(table[table["session"].isin(sessions)]).to_dict("records")
    quantity = document["benchmarks"]["hpl"]["m7i.large"]["gflops"]
    assert quantity["value"] == rounded(expected["median"])
    assert quantity["confidence_interval"] == [rounded(expected["ci_low"]), rounded(expected["ci_high"])]
    assert (quantity["sample_size"], quantity["sessions"]) == (expected["n"], expected["sessions"])
    assert quantity["coefficient_variation"] == pytest.approx(expected["cv"], rel=1e-6)
    assert quantity["quality"] == expected["quality"]
    assert document["sources"]["m7i.large"][quantity["source"]] == sessions
    assert quantity["configuration"] in document["configurations"]


def test_a_family_spreads_over_its_types_in_a_period() -> None:
    series = [
        simple(f"m7i.{size}", "hpl", "gflops", "GFLOPS", level)
        for size, level in (("large", 20.0), ("xlarge", 40.0), ("2xlarge", 80.0))
    ]
    document = orjson.loads(over_time(make_content(series))[1]["v1.0/weekly-aggregates/2024-W47.json"])
    ((_, fields),) = document["families"]["m7i"]["hpl"].items()
    spread = fields["gflops"]
    assert (spread["types"], spread["min"], spread["median"], spread["max"]) == (3, 20.0, 40.0, 80.0)
    assert spread["members"] == ["m7i.2xlarge", "m7i.large", "m7i.xlarge"]


def test_few_executions_in_a_period_are_provisional() -> None:
    document = orjson.loads(
        over_time(make_content([simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, sessions=1)]))[1][
            "historical/2024-Q4/aggregates.json"
        ]
    )
    quantity = document["provisional"]["hpl"]["m7i.large"]["gflops"]
    assert quantity["sample_size"] == 2
    assert "confidence_interval" not in quantity
    assert document["benchmarks"] == document["families"] == {}


def test_a_dataset_without_an_accepted_session_has_empty_valid_aggregates() -> None:
    built, archived = over_time(make_content([]))
    assert archived.keys() == {"v1.0/weekly-aggregates/2024-W47.json", "historical/2024-Q4/aggregates.json"}
    assert all(orjson.loads(data)["sessions"] == 0 for data in archived.values())
    assert orjson.loads(built["trends.json"])["series"] == {}


def test_old_days_become_weeks_in_trends_and_stay_days_in_the_history() -> None:
    levels = [40.0 + number for number in range(60)]
    built, archived = over_time(make_content([daily("m7i.large", levels)]))
    trends, history = orjson.loads(built["trends.json"]), orjson.loads(archived["historical/trends/m7i.json"])
    assert trends["window"] == {"days": 14, "weeks": 52, "least_days": 1}
    assert trends["history"] == {"m7i": "../historical/trends/m7i.json"}
    whole = history["series"]["m7i.large"]["gflops"]["points"]
    assert [point["value"] for point in whole] == levels
    shown = trends["series"]["m7i.large"]["gflops"]["points"]
    days = [point for point in shown if "period" not in point]
    weeks = [point for point in shown if "period" in point]
    assert shown == weeks + days
    # From the Monday of the week in which the fourteenth newest day lies.
    assert [point["date"] for point in days] == [point["date"] for point in whole[-len(days) :]]
    assert days[0]["date"] == "2025-01-05" or date.fromisoformat(days[0]["date"]).weekday() == 0
    assert 14 <= len(days) <= 20
    assert sum(point["sample_size"] for point in shown) == 3 * len(levels)
    assert all(date.fromisoformat(point["date"]).weekday() == 0 for point in weeks)


def test_variants_are_in_the_history_alone() -> None:
    content = make_content([*stream("m7i.large", 47.9), *stream("m7i.large", 46.0, implementation="z-other")])
    built, archived = over_time(content)
    assert all("@" not in name for name in orjson.loads(built["trends.json"])["series"]["m7i.large"])
    names = orjson.loads(archived["historical/trends/m7i.json"])["series"]["m7i.large"]
    assert len([name for name in names if name.startswith("triad_bandwidth@z-other")]) == 1


def test_a_change_of_level_rests_on_every_session_of_its_series() -> None:
    built, _ = over_time(make_content([daily("m7i.large", [40.0] * 12 + [50.0] * 12)]))
    trends = orjson.loads(built["trends.json"])
    (change,) = trends["series"]["m7i.large"]["gflops"]["change_points"]
    assert len(trends["sources"]["m7i.large"][change["source"]]) == 24


def test_a_family_name_that_is_no_file_name_gets_one() -> None:
    assert family_path("m7i") == "historical/trends/m7i.json"
    paths = {family_path(name) for name in ("../x", "A b", "a b", "")}
    assert len(paths) == 4
    assert all(contract_of(path) and ".." not in path for path in paths)


def test_statistics_older_than_the_measurements_are_refused() -> None:
    content = make_content([*stream("m7i.large", 47.9), simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0)])
    older = replace(content, statistics=content.statistics[content.statistics["benchmark"] == "stream"])
    with pytest.raises(PublicationError, match="assay process"):
        build_documents(older)


def test_a_document_over_time_that_breaks_the_contract_is_refused() -> None:
    _, archived = over_time(make_content())
    document = orjson.loads(archived["historical/trends/m7i.json"])
    del document["sources"]
    with pytest.raises(SchemaMismatch, match=r"historical/trends/m7i\.json"):
        validate_documents({"historical/trends/m7i.json": orjson.dumps(document)})


def test_the_window_shrinks_until_the_document_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    group, day = (axis.ravel() for axis in np.indices((50, 100)))
    everything, _ = choose_window(group, 7 * day, 50)
    assert (everything.days, everything.weeks) == (14, 52)
    monkeypatch.setattr(window_module, "MAX_POINTS", 50 * 20)
    smaller, bounds = choose_window(group, 7 * day, 50)
    assert (smaller.days, smaller.weeks) == (3, 13)
    assert (bounds.weeks_from <= bounds.days_from).all()
    monkeypatch.setattr(window_module, "MAX_POINTS", 1)
    assert choose_window(group, 7 * day, 50)[0].weeks == 0


def test_single_days_are_left_out_only_where_there_are_very_many_series(monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_content([daily("m7i.large", [40.0]), daily("c7g.large", [30.0, 31.0])])
    assert orjson.loads(over_time(content)[0]["trends.json"])["series"].keys() == {"m7i.large", "c7g.large"}
    monkeypatch.setattr(window_module, "MANY_SERIES", 1)
    trends = orjson.loads(over_time(content)[0]["trends.json"])
    assert trends["series"].keys() == {"c7g.large"}
    assert trends["window"]["least_days"] == 2


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_every_moment_lies_in_the_week_and_quarter_of_its_day(moment: date) -> None:
    days = day_numbers(pd.Series([datetime(moment.year, moment.month, moment.day, 23, 59, tzinfo=UTC)]))
    year, week, _ = moment.isocalendar()
    for period, name in ((Period.WEEK, f"{year}-W{week:02d}"), (Period.QUARTER, f"{moment.year}-Q{(moment.month - 1) // 3 + 1}")):
        start = int(period_starts(period, days)[0])
        assert period_name(period, start) == name
        assert start <= days[0] <= last_day(period, start)
        assert period_name(period, last_day(period, start) + 1) != name
        assert int(period_starts(period, np.array([last_day(period, start)]))[0]) == start


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_many_numbers_are_rounded_as_one_is(values: list[float]) -> None:
    assert list(map(repr, rounded_all(np.array(values, dtype=np.float64)))) == [repr(rounded(value)) for value in values]


def test_what_is_not_finite_is_refused_among_many() -> None:
    with pytest.raises(ValueError, match="not finite"):
        rounded_all(np.array([1.0, np.nan]))


def test_many_sources_stand_once_in_the_entry_and_the_way_back_is_whole() -> None:
    content = make_content(stream("m7i.large", 47.9, sessions=25))
    built, _ = over_time(content)
    documents = {name: orjson.loads(data) for name, data in built.items() if name.endswith(".json")}
    entry = documents["memory-benchmarks.json"]["benchmarks"]["stream"]["m7i.large"]
    assert len(entry["sources"]) == entry["triad_bandwidth"]["sessions"] == 25
    assert entry["triad_bandwidth"]["sources"] == entry["sources"][-5:]
    for document, keys in (
        ("memory-benchmarks.json", ("benchmarks", "stream", "m7i.large", "triad_bandwidth", "value")),
        ("general-purpose.json", ("benchmarks", "stream", "m7i.large", "triad_bandwidth", "value")),
        ("instance-rankings.json", ("rankings", "triad_bandwidth", "ranks", 0, "value")),
    ):
        steps = trace_steps(documents, document, keys)
        assert [step["session"] for step in steps if step["step"] == "session"] == entry["sources"]
