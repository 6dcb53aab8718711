"""Batches and tables made up for benchmarks: columns that matter are given, the others are empty or unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from assay.check.rule import Batch
from assay.measurement import EXECUTION_COLUMNS, MEASUREMENT_COLUMNS

_START = pd.Timestamp("2025-01-01", tz="UTC")


def peak_megabytes() -> float:
    """Peak memory of this process since it was started. Not `ru_maxrss`: that begins with what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def table(columns: Mapping[str, tuple[str, str]], rows: int, given: Mapping[str, Any]) -> pd.DataFrame:
    """A table with these columns and dtypes from the ones that are given."""
    frame = {}
    for name, (dtype, _) in columns.items():
        if name in given:
            frame[name] = pd.Series(given[name], index=range(rows)).astype(dtype)
        elif dtype == "string":
            frame[name] = pd.Series(["unknown"] * rows, dtype=dtype)
        elif dtype.startswith("datetime"):
            frame[name] = pd.Series(pd.DatetimeIndex([_START] * rows)).astype(dtype)
        else:
            frame[name] = pd.Series(np.full(rows, np.nan)).astype(dtype)
    return pd.DataFrame(frame)


def batch(
    subjects: list[str], metrics: tuple[str, ...], values: np.ndarray, benchmark: str = "stream", unit: str = "GB/s"
) -> Batch:
    """A batch of one session for each subject given, with one execution of one benchmark; `values`: a row a session."""
    count, width = values.shape
    session = np.array([f"20250101T000000Z-{number:012x}" for number in range(count)], dtype=object)
    given = {
        "session": np.repeat(session, width),
        "subject": np.repeat(np.array(subjects, dtype=object), width),
        "benchmark": benchmark,
        "metric": list(metrics) * count,
        "value": values.ravel(),
        "unit": unit,
        "execution": 1,
        "file": "result.json",
    }
    sessions = pd.DataFrame({"session": session, "kind": "instance_benchmark", "subject": subjects, "source": "simulated"})
    sessions = sessions.astype("string").assign(started_at=_START, ended_at=_START, source_file="")
    executions = table(EXECUTION_COLUMNS, count, {"session": session, "subject": subjects, "status": "finished", "exit_code": 0})
    files = pd.DataFrame({name: pd.Series(dtype="string") for name in ("session", "path", "size", "sha256")})
    return Batch(sessions, files, executions, table(MEASUREMENT_COLUMNS, count * width, given))
