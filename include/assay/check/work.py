"""The time that an execution's work takes at the rate that it claims."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.check.rule import Batch

ARRAYS_MOVED = {"copy_bandwidth": 2, "scale_bandwidth": 2, "add_bandwidth": 3, "triad_bandwidth": 3}
"""Arrays that a pass of each STREAM kernel reads and writes (STREAM 5.10)."""

BYTES = {"GB/s": 1e9, "MB/s": 1e6, "bytes/s": 1.0}
EXECUTION = ("session", "benchmark", "implementation", "version", "threads", "size_policy", "build_flags", "execution")


def hpl_operations(order: pd.Series[float]) -> pd.Series[float]:
    """Floating-point operations of an LU solve of this order: 2/3 N^3 + 2 N^2 (the HPL rules)."""
    return 2.0 / 3.0 * order**3 + 2.0 * order**2


def implied_seconds(batch: Batch) -> pd.DataFrame:
    """For each execution of hpl and stream whose problem size is known: EXECUTION, file, duration_s, and `seconds`, the least
    time that its work takes at the claimed rates.
    """
    rows = batch.measurements
    rows = rows[
        (rows["benchmark"].isin(["hpl", "stream"]) & rows["problem_size"].notna() & rows["duration_s"].notna()).to_numpy()
    ]
    rows = rows[(rows["value"] > 0).to_numpy()]
    size = rows["problem_size"].astype("float64")
    arrays = rows["metric"].map(ARRAYS_MOVED).astype("float64")
    stream = arrays * size / (rows["value"] * rows["unit"].map(BYTES).astype("float64"))
    hpl = hpl_operations(size) / (1e9 * rows["value"])
    is_hpl = (rows["benchmark"] == "hpl") & (rows["metric"] == "gflops") & (rows["unit"] == "GFLOPS")
    seconds = np.where(is_hpl, hpl, np.where(rows["benchmark"] == "stream", stream, np.nan))
    table = rows[[*EXECUTION, "metric", "iteration", "file", "duration_s"]].assign(seconds=seconds).dropna(subset=["seconds"])
    # Where the passes are there, the value of the execution is one of them and adds no time.
    passes = table.assign(is_pass=table["iteration"].notna())
    has_passes = passes.groupby([*EXECUTION, "metric"], dropna=False)["is_pass"].transform("any")
    counted = passes[(passes["is_pass"] | ~has_passes).to_numpy()]
    total = counted.groupby(list(EXECUTION), sort=False, dropna=False).agg(
        file=("file", "first"), duration_s=("duration_s", "max"), seconds=("seconds", "sum")
    )
    return total.reset_index()
