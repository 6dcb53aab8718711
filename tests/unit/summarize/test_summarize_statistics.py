"""Statistics over any measurements are what a slow, plain computation gives."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from assay.measurement import AGGREGATION_KEY, Execution, Measurement, measurement_frame
from assay.summarize.grades import GRADES, definitions
from assay.summarize.intervals import median_interval
from assay.summarize.outliers import label_outliers
from assay.summarize.sorted_rows import GROUP_COLUMNS, by_number, group_numbers, run_starts
from assay.summarize.statistics import STATISTIC_COLUMNS, summarize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Row = tuple[str, str, str, float, int | None, int | None, float | None]
"""Session, subject, metric, value, iteration, summary_n, summary_sd."""


def table(rows: Sequence[Row], unit: str = "GB/s", version: str = "1") -> pd.DataFrame:
    return measurement_frame(
        (
            session,
            subject,
            Execution("stream", number + 1, "made", version, "all", "rule", "cc"),
            Measurement("stream", metric, value, unit, iteration, None, n, sd),
            "file",
        )
        for number, (session, subject, metric, value, iteration, n, sd) in enumerate(rows)
    )


def plainly(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    """The same statistics with the library's functions, group by group."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row[4] is None:
            groups[(row[1], row[2])].append(row)
    found = {}
    for key, members in groups.items():
        values = np.sort(np.array([row[3] for row in members]))
        interval = median_interval(len(values))
        sessions = sorted({row[0] for row in members})
        means = [np.mean([row[3] for row in members if row[0] == session]) for session in sessions]
        q1, q3 = np.quantile(values, [0.25, 0.75])
        away = np.maximum(q1 - values, values - q3)
        distance = np.abs(values - np.median(values))
        found[key] = {
            "n": len(values),
            "sessions": len(sessions),
            "median": np.median(values),
            "ci_low": values[interval.low] if interval else np.nan,
            "ci_high": values[interval.high] if interval else np.nan,
            "confidence_level": interval.level if interval else np.nan,
            "mean": values.mean(),
            "sd": values.std(ddof=1) if len(values) > 1 else np.nan,
            "cv": 100 * values.std(ddof=1) / abs(values.mean()) if len(values) > 1 and values.mean() else np.nan,
            "min": values[0],
            "max": values[-1],
            "p05": np.quantile(values, 0.05),
            "p95": np.quantile(values, 0.95),
            "cv_between": 100 * np.std(means, ddof=1) / abs(values.mean()) if len(sessions) > 1 and values.mean() else np.nan,
            "cv_within": _within(members, sessions, values.mean()),
            "outliers_mad": int((distance > 3.5 * 1.4826 * np.median(distance)).sum()),
            "outliers": int((away > 1.5 * (q3 - q1)).sum()),
            "outliers_far": int((away > 3.0 * (q3 - q1)).sum()),
            "summaries": sum(row[5] is not None for row in members),
            "session_ids": sessions,
        }
    return found


def _within(members: Sequence[Row], sessions: Sequence[str], mean: float) -> float:
    squares, freedom = 0.0, 0.0
    for session in sessions:
        values = np.array([row[3] for row in members if row[0] == session])
        squares += ((values - values.mean()) ** 2).sum()
        freedom += len(values) - 1
    for row in members:
        if row[5] is not None and row[6] is not None:
            squares += (row[5] - 1) * row[6] ** 2
            freedom += row[5] - 1
    return 100 * math.sqrt(squares / freedom) / abs(mean) if freedom and mean else math.nan


VALUES = st.floats(0.001, 1e6) | st.sampled_from([1.0, 2.0, 45.2])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3", "s4"]),
        st.sampled_from(["m7i.large", "c7g.large"]),
        st.sampled_from(["triad_bandwidth", "copy_bandwidth"]),
        VALUES,
        st.sampled_from([None, None, None, 0, 1]),
        st.none() | st.integers(1, 30),
        st.none() | st.floats(0.0, 10.0),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_any_measurements_have_the_statistics_of_the_plain_computation(rows: list[Row]) -> None:
    statistics = summarize(table(rows))
    expected = plainly(rows)
    assert {(row.subject, row.metric) for row in statistics.itertuples()} == set(expected)
    for row in statistics.to_dict("records"):
        for name, value in expected[(row["subject"], row["metric"])].items():
            if name == "session_ids":
                assert row[name] == value
            elif name.startswith("outliers"):
                continue  # counted below, where fences do not fall on a value
            else:
                assert row[name] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), name


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1.0, 1e3, width=32), min_size=1, max_size=40))
def test_outliers_of_any_values_are_counted_and_labelled_alike(values: list[float]) -> None:
    rows: list[Row] = [("s1", "m7i.large", "triad_bandwidth", value, None, None, None) for value in values]
    [row] = summarize(table(rows)).to_dict("records")
    labels = label_outliers(table(rows))
    assert len(labels) == len(values) == row["n"]  # nothing is deleted
    assert (labels["outlier"] != "").sum() == row["outliers"]
    assert (labels["outlier"] == "far").sum() == row["outliers_far"]
    assert labels["outlier_mad"].sum() == row["outliers_mad"]
    assert row["outliers_far"] <= row["outliers"]


def test_outliers_are_labelled_by_tukey_and_by_the_median_deviation() -> None:
    values = [10.0, 10.1, 10.2, 9.9, 9.8, 10.05, 9.95, 11.0, 20.0]
    labels = label_outliers(table([("s1", "m7i.large", "x", value, None, None, None) for value in values]))
    assert labels["outlier"].tolist() == [""] * 7 + ["far", "far"]
    assert labels["outlier_mad"].tolist() == [False] * 7 + [True, True]


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(0, 1_000))
def test_any_order_of_the_rows_gives_the_same_bits(rows: list[Row], seed: int) -> None:
    frame = table(rows)
    mixed = frame.iloc[np.random.default_rng(seed).permutation(len(frame))]
    pd.testing.assert_frame_equal(summarize(frame), summarize(mixed), check_exact=True)


def test_n_counts_executions_and_not_their_passes() -> None:
    rows: list[Row] = [("s1", "m7i.large", "x", 10.0 + number, number, None, None) for number in range(20)]
    rows += [("s1", "m7i.large", "x", 29.0, None, None, None)]
    [row] = summarize(table(rows)).to_dict("records")
    assert (row["n"], row["median"], row["sessions"]) == (1, 29.0, 1)


def test_a_summary_is_one_sample_and_is_marked() -> None:
    rows: list[Row] = [("s1", "m7i.large", "x", 10.0, None, 25, 2.0), ("s2", "m7i.large", "x", 12.0, None, None, None)]
    [row] = summarize(table(rows)).to_dict("records")
    assert (row["n"], row["summaries"], row["mean"]) == (2, 1, 11.0)
    assert row["cv_within"] == pytest.approx(100 * 2.0 / 11.0)  # the spread behind the summary


def test_numbers_in_other_units_or_of_other_keys_are_never_mixed() -> None:
    rows: list[Row] = [("s1", "m7i.large", "x", 10.0, None, None, None)]
    parts = [
        table(rows),
        table(rows, unit="MB/s"),
        table(rows, version="2"),
        table(rows, version="unknown (a)"),
        table(rows, version="unknown (b)"),
    ]
    statistics = summarize(pd.concat(parts, ignore_index=True))
    assert statistics["n"].tolist() == [1] * 5


def test_a_number_that_is_none_is_an_error_and_not_dropped() -> None:
    rows: list[Row] = [("s1", "m7i.large", "x", math.nan, None, None, None)]
    with pytest.raises(ValueError, match="not finite"):
        summarize(table(rows))


def test_nothing_in_gives_an_empty_table_with_all_columns() -> None:
    assert tuple(summarize(table([])).columns) == tuple(STATISTIC_COLUMNS)


def test_a_type_seen_in_one_session_has_the_lowest_grade() -> None:
    many: list[Row] = [("s1", "m7i.large", "x", 10.0 + number / 1e3, None, None, None) for number in range(50)]
    [row] = summarize(table(many)).to_dict("records")
    assert row["quality"] == "D"
    spread: list[Row] = [(f"s{number % 3}", "m7i.large", "x", 10.0 + number / 1e3, None, None, None) for number in range(6)]
    [row] = summarize(table(spread)).to_dict("records")
    assert row["quality"] == "A"


def test_grades_are_defined_in_words_for_the_documents() -> None:
    assert list(definitions()) == [grade.name for grade in GRADES] + ["D"]
    assert definitions()["A"] == "at least 6 executions in at least 3 sessions, coefficient of variation at most 2 %"


@given(st.lists(st.integers(0, 2**40), max_size=50))
def test_sorting_by_any_numbers_is_a_stable_sort(numbers: list[int]) -> None:
    data = np.array(numbers, dtype=np.int64)
    assert by_number(data).tolist() == np.argsort(data, kind="stable").tolist()
    assert run_starts(np.sort(data)).tolist() == np.unique(np.sort(data), return_index=True)[1].tolist()


def test_group_numbers_do_not_overflow_with_many_columns() -> None:
    frame = pd.DataFrame({name: [f"{name}{number % 97}" for number in range(500)] for name in GROUP_COLUMNS}, dtype="string")
    numbers, keys = group_numbers(frame, GROUP_COLUMNS)
    assert len(keys) == 97
    assert (keys.iloc[numbers].reset_index(drop=True) == frame).all(axis=None)
    assert len(AGGREGATION_KEY) == 8
