"""The tidy table: one measurement a row, with its unit and everything that makes it comparable.

A row with an empty `iteration` is the value of an execution (what the tool's own rules make of its passes); a row with a number
is one pass, kept because every sample is kept. n counts executions, so statistics are computed over the rows with an empty
`iteration`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import pandas as pd

UNKNOWN = "unknown"

AGGREGATION_KEY = (
    "subject",
    "benchmark",
    "metric",
    "implementation",
    "version",
    "threads",
    "size_policy",
    "build_flags",
)
"""What must be equal before executions are aggregated. Resolved problem size and thread count are recorded, not keyed."""

RANKING_KEY = AGGREGATION_KEY[1:]
"""What must be equal before subjects are ranked together: the aggregation key without the subject."""

MEASUREMENT_COLUMNS: Mapping[str, tuple[str, str]] = {
    "session": ("string", "Session that the measurement belongs to."),
    "subject": ("string", "What was measured: an instance type or a host label."),
    "benchmark": ("string", "Benchmark, such as `stream`, `hpl` or `cache_latency`."),
    "metric": ("string", "Metric within the benchmark, such as `triad_bandwidth`."),
    "value": ("float64", "The number, in `unit`."),
    "unit": ("string", "Unit of `value`: one of UNITS."),
    "implementation": ("string", "Program that gave the number."),
    "version": ("string", "Version of that program."),
    "threads": ("string", "Thread mode: `all`, `one`, a count, or `unknown`."),
    "size_policy": ("string", "How the problem size was chosen, such as `4x-llc`."),
    "build_flags": ("string", "Compiler and flags, where the program was built for the run."),
    "execution": ("Int32", "Run of the tool within the session, from 1."),
    "iteration": ("Int32", "Pass within the run, from 0; empty for the value of the whole run."),
    "problem_size": ("Int64", "Resolved problem size: bytes per array, matrix order or working set in bytes."),
    "thread_count": ("Int32", "Threads that ran."),
    "summary_n": ("Int32", "Where the source gives only a summary: the samples behind this mean."),
    "summary_sd": ("float64", "Where the source gives only a summary: its standard deviation, in `unit`."),
    "started_at": ("datetime64[us, UTC]", "Start of the execution, UTC."),
    "duration_s": ("float64", "Wall time of the execution in seconds."),
    "file": ("string", "Raw file, within the session, that the number was read from."),
}
"""Columns of the tidy table: dtype and meaning. What stands in other tables too has its words from here."""

IN_UNIT = "@unit"
"""The unit of a column whose unit stands beside it, in the row's `unit`."""

MEASUREMENT_UNITS: Mapping[str, str] = {
    "value": IN_UNIT,
    "execution": "ordinal",
    "iteration": "ordinal",
    "problem_size": "count",
    "thread_count": "count",
    "summary_n": "count",
    "summary_sd": IN_UNIT,
    "duration_s": "seconds",
}
"""Unit of every column of the tidy table that holds numbers."""

EXECUTION_COLUMNS: Mapping[str, tuple[str, str]] = {
    "session": ("string", "Session that the execution belongs to."),
    "subject": MEASUREMENT_COLUMNS["subject"],
    "tool": ("string", "Tool that was run."),
    **{
        name: MEASUREMENT_COLUMNS[name]
        for name in ("execution", "implementation", "version", "threads", "size_policy", "build_flags", "problem_size")
    },
    "thread_count": MEASUREMENT_COLUMNS["thread_count"],
    "status": (
        "string",
        "`finished`, `failed`, `timeout`, `missing` (the machine lacks the tool) or `started` (never finished).",
    ),
    "exit_code": ("Int32", "Exit code of the tool; empty if it did not end."),
    "error": ("string", "What went wrong, in a sentence; empty if nothing did."),
    "started_at": MEASUREMENT_COLUMNS["started_at"],
    "duration_s": MEASUREMENT_COLUMNS["duration_s"],
    "file": ("string", "Raw file that describes the execution."),
}
"""Columns of the table of executions, one row a run of a tool, whether it gave a number or not."""

UNITS: Mapping[str, str] = {
    "GB/s": "10^9 bytes per second",
    "MB/s": "10^6 bytes per second",
    "GFLOPS": "10^9 floating-point operations per second",
    "GHz": "10^9 cycles per second",
    "nanoseconds": "10^-9 seconds",
    "cycles": "core clock cycles",
    "milliseconds": "10^-3 seconds",
    "seconds": "seconds",
    "percent": "hundredths",
    "ratio": "a number without a unit",
    "score": "points of the benchmark's own scale",
    "operations/s": "operations per second",
    "bogo-ops/s": "stress-ng's own operations per second, comparable for one of its methods and versions only",
    "bytes/s": "bytes per second",
}
"""Every unit that a measurement may have, and what it means."""


class Measurement(msgspec.Struct, frozen=True, gc=False):
    """One number that a reader found in a raw file. A struct, because readers make millions: ten times as fast as a dataclass."""

    benchmark: str
    metric: str
    value: float
    unit: str
    iteration: int | None = None
    problem_size: int | None = None
    summary_n: int | None = None
    summary_sd: float | None = None


class Execution(msgspec.Struct, frozen=True):
    """One run of a tool: what a reader is told about the raw output it reads, and what makes its numbers comparable."""

    tool: str
    execution: int
    implementation: str = UNKNOWN
    version: str = UNKNOWN
    threads: str = UNKNOWN
    size_policy: str = UNKNOWN
    build_flags: str = UNKNOWN
    problem_size: int | None = None
    thread_count: int | None = None
    status: str = "finished"
    exit_code: int | None = None
    error: str = ""
    started_at: datetime | None = None
    duration_s: float | None = None
    file: str = ""
    details: Mapping[str, Any] = msgspec.field(default_factory=dict)


def measurement_frame(rows: Iterable[tuple[str, str, Execution, Measurement, str]]) -> pd.DataFrame:
    """The tidy table from (session, subject, execution, measurement, raw file) rows, columns as MEASUREMENT_COLUMNS."""
    columns: dict[str, list[Any]] = {name: [] for name in MEASUREMENT_COLUMNS}
    for session, subject, run, number, file in rows:
        for name, value in (
            ("session", session),
            ("subject", subject),
            ("benchmark", number.benchmark),
            ("metric", number.metric),
            ("value", number.value),
            ("unit", number.unit),
            ("implementation", run.implementation),
            ("version", run.version),
            ("threads", run.threads),
            ("size_policy", run.size_policy),
            ("build_flags", run.build_flags),
            ("execution", run.execution),
            ("iteration", number.iteration),
            ("problem_size", run.problem_size if number.problem_size is None else number.problem_size),
            ("thread_count", run.thread_count),
            ("summary_n", number.summary_n),
            ("summary_sd", number.summary_sd),
            ("started_at", run.started_at),
            ("duration_s", run.duration_s),
            ("file", file),
        ):
            columns[name].append(value)
    return typed(pd.DataFrame(columns), MEASUREMENT_COLUMNS)


def execution_frame(rows: Iterable[tuple[str, str, Execution]]) -> pd.DataFrame:
    """The table of executions from (session, subject, execution) rows, columns as EXECUTION_COLUMNS."""
    columns: dict[str, list[Any]] = {name: [] for name in EXECUTION_COLUMNS}
    for session, subject, run in rows:
        columns["session"].append(session)
        columns["subject"].append(subject)
        for name in EXECUTION_COLUMNS:
            if name not in ("session", "subject"):
                columns[name].append(getattr(run, name))
    return typed(pd.DataFrame(columns), EXECUTION_COLUMNS)


def typed(frame: pd.DataFrame, columns: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """The frame with exactly these columns, in this order and with these dtypes. Raises KeyError if one is missing."""
    return frame[list(columns)].astype({name: dtype for name, (dtype, _) in columns.items()})
