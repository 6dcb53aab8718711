"""Rankings and change points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from assay.measurement import Execution, Measurement, measurement_frame
from assay.summarize.change_points import CHANGE_POINT_COLUMNS, change_points
from assay.summarize.rankings import RANKING_COLUMNS, higher_is_better, rank
from assay.summarize.statistics import STATISTIC_COLUMNS
from hypothesis import given
from hypothesis import strategies as st


def statistics(*rows: tuple[str, float, float, float], unit: str = "GB/s", **changes: str) -> pd.DataFrame:
    """Statistics of one metric from (subject, ci_low, median, ci_high)."""
    key = {"benchmark": "stream", "metric": "triad_bandwidth", "implementation": "made", "version": "1", "threads": "all"}
    key |= {"size_policy": "rule", "build_flags": "cc", "unit": unit, **changes}
    records = [
        {**key, "subject": s, "ci_low": low, "median": mid, "ci_high": high, "n": 6, "quality": "A"} for s, low, mid, high in rows
    ]
    return pd.DataFrame(records, columns=list(STATISTIC_COLUMNS))


def ranks(frame: pd.DataFrame) -> dict[str, int]:
    ranked = rank(frame)
    assert tuple(ranked.columns) == RANKING_COLUMNS
    return dict(zip(ranked["subject"], ranked["rank"], strict=True))


def test_a_rank_holds_those_that_its_first_member_cannot_be_told_from() -> None:
    frame = statistics(("a", 95, 96, 97), ("b", 94, 95, 95.5), ("c", 93, 94, 94.5), ("d", 80, 81, 82))
    assert ranks(frame) == {"a": 1, "b": 1, "c": 2, "d": 3}  # c overlaps b, but not a, the first of the rank


def test_lower_is_better_for_times() -> None:
    frame = statistics(("slow", 90, 95, 99), ("quick", 70, 72, 75), unit="nanoseconds")
    assert ranks(frame) == {"quick": 1, "slow": 2}
    assert not higher_is_better("milliseconds")
    assert higher_is_better("GFLOPS")


def test_without_an_interval_there_is_no_rank() -> None:
    assert ranks(statistics(("a", 95, 96, 97), ("b", np.nan, 99, np.nan))) == {"a": 1}


def test_different_ranking_keys_are_never_ranked_together() -> None:
    frame = pd.concat(
        [statistics(("a", 95, 96, 97)), statistics(("b", 1, 2, 3), version="2"), statistics(("c", 1, 2, 3), unit="MB/s")]
    )
    assert ranks(frame) == {"a": 1, "b": 1, "c": 1}


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(0, 10), st.floats(0, 10)), min_size=1, max_size=12), st.randoms())
def test_any_ranking_is_dense_sorted_and_independent_of_order(
    intervals: list[tuple[float, float, float]], random: object
) -> None:
    rows = [(f"t{number:02}", mid - low, mid, mid + high) for number, (mid, low, high) in enumerate(intervals)]
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    ranked = rank(statistics(*rows))
    assert ranks(statistics(*mixed)) == ranks(statistics(*rows))
    assert ranked["median"].is_monotonic_decreasing
    assert sorted(set(ranked["rank"])) == list(range(1, ranked["rank"].max() + 1))
    for _, members in ranked.groupby("rank"):
        first = members.iloc[0]
        assert ((members["ci_high"] >= first["ci_low"]) & (members["ci_low"] <= first["ci_high"])).all()


def series(values: list[float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    names = [f"s{number:03}" for number in range(len(values))]
    run = Execution("stream", 1, "made", "1", "all", "rule", "cc")
    rows = [
        (name, "m7i.large", run, Measurement("stream", "x", value, "GB/s"), "f")
        for name, value in zip(names, values, strict=True)
    ]
    sessions = pd.DataFrame({"session": names, "started_at": [start + timedelta(days=day) for day in range(len(values))]})
    return measurement_frame(rows[::-1]), sessions.astype({"session": "string"})


def test_a_step_is_found_where_it_is_and_noise_is_left_alone() -> None:
    rng = np.random.default_rng(3)
    level, step = rng.normal(100, 2, 60), rng.normal(100, 2, 60)
    step[35:] *= 1.08
    assert change_points(*series(list(level))).empty
    found = change_points(*series(list(step)))
    assert tuple(found.columns) == CHANGE_POINT_COLUMNS
    [row] = found.to_dict("records")
    assert abs(int(row["session"][1:]) - 35) <= 2
    assert row["change_percent"] == pytest.approx(8, abs=2)
    assert row["confidence"] > 0.999


def test_a_step_between_two_constant_levels_is_found_and_a_constant_is_none() -> None:
    assert change_points(*series([5.0] * 10)).empty
    [row] = change_points(*series([5.0] * 8 + [6.0] * 8)).to_dict("records")
    assert (row["session"], row["before"], row["after"]) == ("s008", 5.0, 6.0)


def test_a_short_series_has_no_change_points() -> None:
    assert change_points(*series([1.0, 1.0, 9.0, 9.0, 9.0])).empty
