"""What the statistics cost, beside the two usual ways.

frame     1 million executions in 33,600 groups, a pandas frame: `summarize` beside `groupby.apply` with scipy for each group.
          Asked: at least 50 times faster.
parquet   10 million executions in Parquet: `summarize_parquet`, all statistics, beside DuckDB doing the bare aggregation (count,
          mean, sd, min, max, median, 5th and 95th percentile) on the same files, each in a process of its own.
          Asked: at most 3 times the time and 2 times the peak memory.

Rounds are interleaved; printed is the median of the paired ratios.

    python benchmarks/summarize.py            both, about ten minutes
    python benchmarks/summarize.py --quick    a tenth of the rows, one round
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from synthetic import peak_megabytes

SUBJECTS, METRICS, SESSIONS_A_SUBJECT = 700, 12, 30
GROUPS = SUBJECTS * METRICS * 4
KEY = ("subject", "benchmark", "metric", "implementation", "version", "threads", "size_policy", "build_flags", "unit")


def write_rows(path: Path, rows: int, seed: int) -> None:
    """Executions as the processed layer holds them."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, GROUPS, rows)
    subject, rest = np.divmod(group, METRICS * 4)
    metric, mode = np.divmod(rest, 4)
    session = subject * SESSIONS_A_SUBJECT + rng.integers(0, SESSIONS_A_SUBJECT, rows)
    level = np.exp(rng.normal(3, 1, GROUPS))

    def text(codes: np.ndarray, names: list[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names)).cast(pa.string())

    same = np.zeros(rows, dtype=np.int64)
    columns: dict[str, Any] = {
        "session": text(session, [f"20250101T000000Z-{number:012x}" for number in range(SUBJECTS * SESSIONS_A_SUBJECT)]),
        "subject": text(subject, [f"t{number}.large" for number in range(SUBJECTS)]),
        "benchmark": text(metric // 4, ["stream", "hpl", "cache_latency"]),
        "metric": text(metric, [f"metric_{number}" for number in range(METRICS)]),
        "value": level[group] * np.exp(rng.normal(0, 0.05, rows)),
        "unit": text(same, ["GB/s"]),
        "implementation": text(same, ["assay-stream"]),
        "version": text(same, ["1"]),
        "threads": text(mode // 2, ["all", "one"]),
        "size_policy": text(mode % 2, ["4x-llc", "variant-memory"]),
        "build_flags": text(same, ["cc 12.2.0 -O3 -march=native"]),
        "execution": pa.array(rng.integers(1, 5, rows), pa.int32()),
        "iteration": pa.nulls(rows, pa.int32()),
        "summary_n": pa.nulls(rows, pa.int32()),
        "summary_sd": pa.nulls(rows, pa.float64()),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def ours_on_a_frame(frame: pd.DataFrame) -> int:
    """The statistics as the pipeline computes them."""
    from assay.summarize.statistics import summarize

    return len(summarize(frame))


def scipy_on_a_frame(frame: pd.DataFrame) -> int:
    """The usual way: a function of scipy's for each group."""
    from scipy import stats

    def describe(values: pd.Series[float]) -> pd.Series[Any]:
        data = values.to_numpy()
        low, high = stats.t.interval(0.95, len(data) - 1, loc=data.mean(), scale=stats.sem(data))
        p05, median, p95 = np.quantile(data, [0.05, 0.5, 0.95])
        names = ("n", "mean", "sd", "cv", "low", "high", "p05", "median", "p95", "min", "max")
        sd = data.std(ddof=1)
        numbers = (len(data), data.mean(), sd, stats.variation(data, ddof=1), low, high, p05, median, p95, data.min(), data.max())
        return pd.Series(numbers, index=names)

    return len(frame.groupby(list(KEY), sort=False, observed=True)["value"].apply(describe).unstack())


def bare_on_parquet(path: Path) -> int:
    """What DuckDB does by itself."""
    import duckdb

    sql = f"""SELECT {", ".join(KEY)}, count(*), avg(value), stddev_samp(value), min(value), max(value),
              quantile_cont(value, [0.05, 0.5, 0.95]) FROM '{path}' WHERE iteration IS NULL GROUP BY ALL"""
    return len(duckdb.sql(sql).to_arrow_table())


def ours_on_parquet(path: Path) -> int:
    """All statistics, as the pipeline computes them."""
    from assay.summarize.heavy import summarize_parquet

    return len(summarize_parquet([path]))


IN_A_PROCESS = {"bare": bare_on_parquet, "ours": ours_on_parquet}


def in_a_process(name: str, path: Path) -> tuple[float, float]:
    """Seconds of the work (imports apart) and peak memory in MB of the whole process."""
    done = subprocess.run([sys.executable, __file__, "--one", name, str(path)], capture_output=True, text=True, check=True)
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, megabytes


def run_one(name: str, path: Path) -> None:
    """What the child process does."""
    import assay.summarize.heavy  # noqa: F401 - not part of what is timed

    started = time.perf_counter()
    groups = IN_A_PROCESS[name](path)
    seconds = time.perf_counter() - started
    assert groups > 0
    print(json.dumps([seconds, peak_megabytes()]))


def timed(work: Any, *given: Any) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    work(*given)
    return time.perf_counter() - started


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one round")
    parser.add_argument("--only", choices=("frame", "parquet"), help="one of the two comparisons")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=2, metavar=("WHO", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one[0], Path(options.one[1]))
        return
    rounds, scale = (1, 10) if options.quick else (options.rounds, 1)
    with tempfile.TemporaryDirectory(prefix="assay-benchmark-") as folder:
        if options.only != "parquet":
            path = Path(folder) / "frame.parquet"
            write_rows(path, 1_000_000 // scale, 1)
            frame = pd.read_parquet(path)
            ours_on_a_frame(frame)
            ratios = []
            for number in range(rounds):
                ours, peer = timed(ours_on_a_frame, frame), timed(scipy_on_a_frame, frame)
                ratios.append(peer / ours)
                print(f"frame {number}: summarize {ours:.2f} s, groupby.apply with scipy {peer:.1f} s: {ratios[-1]:.0f} times")
            print(f"frame: {statistics.median(ratios):.0f} times faster (asked: at least 50)\n")
        if options.only != "frame":
            path = Path(folder) / "rows.parquet"
            write_rows(path, 10_000_000 // scale, 2)
            times, memories = [], []
            for number in range(rounds):
                (bare, bare_mb), (ours, ours_mb) = in_a_process("bare", path), in_a_process("ours", path)
                times.append(ours / bare)
                memories.append(ours_mb / bare_mb)
                print(f"parquet {number}: DuckDB {bare:.2f} s, {bare_mb:.0f} MB; ours {ours:.2f} s, {ours_mb:.0f} MB")
            print(f"parquet: {statistics.median(times):.2f} of the time (asked: at most 3), ", end="")
            print(f"{statistics.median(memories):.2f} of the peak memory (asked: at most 2)")


if __name__ == "__main__":
    main()
