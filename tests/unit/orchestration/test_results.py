"""The table at the end of a run."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest
from assay.orchestration.results import host_figures, results_table
from rich.console import Console

NAN = float("nan")


def row(benchmark: str = "stream", metric: str = "triad_bandwidth", **changes: Any) -> dict[str, Any]:
    return {
        "subject": "host-1a2b3c4d",
        "benchmark": benchmark,
        "metric": metric,
        "implementation": "assay-stream",
        "version": "1",
        "threads": "all",
        "unit": "GB/s",
        "median": 21.5,
        "ci_low": 20.0,
        "ci_high": 23.25,
        "confidence_level": 0.96875,
        "n": 6,
        "sessions": 3,
        "cv": 4.2,
    } | changes


def table(*rows: dict[str, Any]) -> str:
    output = io.StringIO()
    Console(file=output, width=140).print(results_table(host_figures(pd.DataFrame(list(rows)), "host-1a2b3c4d")))
    return output.getvalue()


def test_value_interval_n_and_spread_stand_in_one_line() -> None:
    (line,) = [line for line in table(row()).splitlines() if "triad" in line]
    for part in ("assay-stream", "21.5 GB/s", "20.0 to 23.2", "6 in 3", "4.2 %"):
        assert part in line


def test_an_interval_that_does_not_reach_95_percent_says_what_it_reaches() -> None:
    assert "20.0 to 23.2 (75 %)" in table(row(n=3, confidence_level=0.75))


def test_fewer_than_three_executions_have_no_interval() -> None:
    assert "needs n of 3" in table(row(n=2, ci_low=NAN, ci_high=NAN, confidence_level=NAN, cv=NAN))


def test_other_hosts_and_other_metrics_are_left_out() -> None:
    text = table(row(), row(subject="host-00000000", median=99.0), row(metric="add_bandwidth", median=98.0))
    assert "99.0" not in text
    assert "98.0" not in text


def test_all_threads_are_shown_where_there_is_a_choice() -> None:
    assert "7.0 GB/s" not in table(row(), row(threads="one", median=7.0))
    assert "90.0 ns" in table(row("cache_latency", "dram_latency", threads="one", median=90.0, unit="nanoseconds"))


def test_two_implementations_give_two_lines() -> None:
    text = table(row("hpl", "gflops", implementation="hpcc"), row("hpl", "gflops", implementation="lapack-dgesv"))
    assert text.count("LU solve") == 2


@pytest.mark.parametrize("rows", [[], [row(subject="host-00000000")]])
def test_nothing_measured_is_said(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows, columns=list(row()))
    output = io.StringIO()
    Console(file=output).print(results_table(host_figures(frame, "host-1a2b3c4d")))
    assert "Nothing was measured" in output.getvalue()
