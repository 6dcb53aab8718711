"""When a tool is run again, and when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.agent.repeats import AS_ASKED, MOST, NARROW, NO_VALUE, TIME, Repeats, Watch, half_width_percent, median_ranks
from assay.agent.tools import _hpcc, _lapack, core_clock, latency, stream, stress_ng, vectors
from assay.measurement import Execution
from assay.read.registry import tool_readers
from assay.summarize.intervals import median_interval
from hypothesis import given
from hypothesis import strategies as st

DATA = Path(__file__).resolve().parents[2] / "data"

WIDE = [100.0, 110.0, 90.0, 105.0, 95.0, 120.0, 80.0, 101.0, 99.0, 130.0, 70.0, 100.0]
CALM = [100.0, 100.5, 99.5, 100.2, 99.9, 100.1, 100.3]


def watched(repeats: Repeats, values: list[float], each_s: float = 10.0) -> Watch:
    """A run that gives these values, one after the other, until it is not run again."""
    watch = Watch(repeats)
    for number, value in enumerate(values, 1):
        if watch.stopped:
            break
        watch.add({"triad_bandwidth": value}, each_s, number * each_s)
    return watch


@pytest.mark.parametrize("n", [*range(1, 120), 999, 1000])
def test_the_ranks_are_those_of_the_published_interval(n: int) -> None:
    published = median_interval(n)
    if published is None or published.level < 0.95:
        assert median_ranks(n) is None
    else:
        assert median_ranks(n) == (published.low, published.high)


@pytest.mark.parametrize(
    ("repeats", "values", "executions", "why"),
    [
        (Repeats(2, 2), WIDE, 2, AS_ASKED),
        (Repeats(6, 12, 0.0), CALM, 6, AS_ASKED),
        (Repeats(1, 2, 2.0), WIDE, 1, AS_ASKED),
        (Repeats(6, 12, 2.0), CALM, 6, NARROW),
        (Repeats(3, 12, 2.0), CALM, 6, NARROW),
        (Repeats(6, 12, 2.0), WIDE, 12, MOST),
        (Repeats(6, 12, 2.0, seconds=85), WIDE, 8, TIME),
        (Repeats(6, 12, 2.0, seconds=5), WIDE, 6, TIME),
        (Repeats(6, 12, 2.0, seconds=85), CALM, 6, NARROW),
    ],
)
def test_a_tool_is_run_until_its_interval_is_narrow_or_executions_or_time_are_used_up(
    repeats: Repeats, values: list[float], executions: int, why: str
) -> None:
    watch = watched(repeats, values)
    assert (watch.executions, watch.stopped) == (executions, why)
    assert watch.says().startswith(f"{why}: {executions} executions, ")


def test_a_tool_that_gives_no_value_is_not_repeated_beyond_the_least() -> None:
    watch = Watch(Repeats(2, 12, 2.0))
    for elapsed in (10.0, 20.0):
        watch.add({}, 10.0, elapsed)
    assert watch.stopped == NO_VALUE


def test_the_widest_metric_decides() -> None:
    watch = Watch(Repeats(6, 12, 2.0))
    for number, (calm, wide) in enumerate(zip(CALM, WIDE, strict=False)):
        watch.add({"triad_bandwidth": calm, "copy_bandwidth": wide}, 1.0, number)
    assert watch.stopped == ""
    assert watch.half_width_percent() == half_width_percent(WIDE[: len(CALM)])


@given(
    st.builds(Repeats, st.integers(1, 20), st.integers(1, 40), st.sampled_from([0.0, 0.5, 2.0, 20.0]), st.floats(0, 300)),
    st.lists(st.floats(1e-9, 1e9), min_size=60, max_size=60),
)
def test_any_tool_ends_with_the_least_executions_or_more_and_never_over_the_limit(repeats: Repeats, values: list[float]) -> None:
    watch = watched(repeats, values)
    assert watch.stopped
    assert repeats.least <= watch.executions <= repeats.limit


@pytest.mark.parametrize(
    ("tool", "gauge", "sample", "name"),
    [
        ("assay-stream", stream.gauge, "assay_stream/all.txt", "stdout.txt"),
        ("assay-core-clock", core_clock.gauge, "assay_core_clock/all.txt", "stdout.txt"),
        ("assay-latency", latency.gauge, "assay_latency/sweep.txt", "stdout.txt"),
        ("assay-vectors", vectors.gauge, "assay_vectors/one.txt", "stdout.txt"),
        ("lapack-dgetrf", _lapack.gauge, "lapack_dgetrf/all.txt", "stdout.txt"),
        ("hpcc", _hpcc.gauge, "hpcc/two-processes.hpccoutf.txt", "hpccoutf.txt"),
        ("stress-ng", stress_ng.gauge, "stress_ng/ptr-chase-l2.txt", "stdout.txt"),
    ],
)
def test_a_gauge_sees_what_the_reader_reads_but_for_a_constant(tool: str, gauge: object, sample: str, name: str) -> None:
    raw = (DATA / sample).read_bytes()
    read = tool_readers()[tool].read(raw.decode(), Execution(tool=tool, execution=1, details={"level": "l2"}))
    values = {number.metric: number.value for number in read if number.iteration is None}
    seen = gauge({name: raw})  # type: ignore[operator]
    assert seen
    factors = {metric: values.get(metric, values.get(f"l2_{metric}", 0.0)) / value for metric, value in seen.items()}
    if tool == "assay-stream":
        factors["triad_bandwidth"] *= 2 / 3  # of three arrays where copy moves two
    assert {f"{factor:.6g}" for factor in factors.values()} == {f"{next(iter(factors.values())):.6g}"} != {"0"}
