"""What compaction gains: loading all rows from the small files that sessions leave one by one, beside the compacted ones.

Makes sessions of ten measurements on a few days, a batch each as the stage `read` writes it, keeps a copy, and compacts. A second
pass over the data is what judging, summarizing and publishing begin with: `load_batches` of every session. Also timed: DuckDB
over the same Parquet files, which summarizing takes from 5,000 sessions on. Rounds are interleaved; printed are medians of the
paired ratios. Asked: at least 20 times as fast.

    python benchmarks/compaction.py            2,000 sessions, 3 rounds, about three minutes
    python benchmarks/compaction.py --quick    400 sessions, 3 rounds
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from assay.measurement import Execution, Measurement, execution_frame, measurement_frame
from assay.read.batches import EXECUTIONS, MEASUREMENTS, batch_key, load_batches, read_batch, write_batch
from assay.read.compaction import FULL_BYTES
from assay.read.merge import Small, merge
from assay.storage import Storage

METRICS = 10
START = datetime(2025, 1, 1, tzinfo=UTC)


def small_files(storage: Storage, sessions: int, days: int, seed: int = 1) -> pd.DataFrame:
    """A batch for each session; gives session and batch."""
    rng = np.random.default_rng(seed)
    placed = []
    for number in range(sessions):
        started = START + timedelta(days=number % days, seconds=number)
        session = f"{started:%Y%m%dT%H%M%SZ}-{number:012x}"
        run = Execution(tool="stream", execution=1, started_at=started, duration_s=30.0, file="stream-all/1/stdout.txt")
        numbers = [Measurement("stream", f"m{metric}", float(rng.normal(40.0, 1.0)), "GB/s") for metric in range(METRICS)]
        key = batch_key("instance_benchmark", f"{started:%Y-%m-%d}", [session], "1")
        rows = measurement_frame((session, "m7i.large", run, one, run.file) for one in numbers)
        write_batch(storage, key, rows, execution_frame([(session, "m7i.large", run)]))
        placed.append((session, key))
    return pd.DataFrame(placed, columns=["session", "batch"], dtype="string")


def compacted(storage: Storage, placed: pd.DataFrame, to: Storage) -> pd.DataFrame:
    """The same rows put together as compaction does, in another store; gives session and batch there."""
    moved = placed.copy()
    for partition, group in placed.groupby(placed["batch"].str.rpartition("/")[0], sort=True):
        lying = dict(iter(group.groupby("batch", sort=True)["session"]))
        measurements, executions = (read_batch(storage, layer, lying) for layer in (MEASUREMENTS, EXECUTIONS))
        for large in merge((Small(key, measurements[key], executions[key]) for key in lying), FULL_BYTES):
            key = f"{partition}/{large.digest[:20]}.parquet"
            to.write(f"{MEASUREMENTS}/{key}", large.measurements)
            to.write(f"{EXECUTIONS}/{key}", large.executions)
            moved.loc[moved["batch"].isin(large.parts), "batch"] = key
    return moved


def by_duckdb(storage: Storage) -> int:
    """DuckDB's pass over every file of measurements."""
    files = f"{storage.url.removeprefix('file://')}/{MEASUREMENTS}/**/*.parquet"
    query = "SELECT metric, count(*), median(value) FROM read_parquet(?, hive_partitioning = false) GROUP BY metric"
    return sum(row[1] for row in duckdb.execute(query, [files]).fetchall())


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="400 sessions, 3 rounds")
    options = parser.parse_args()
    count, rounds = (400, options.rounds) if options.quick else (options.sessions, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        stores = {name: Storage.open(f"file://{Path(folder) / name}") for name in ("small", "compacted")}
        placed = {"small": small_files(stores["small"], count, options.days)}
        began = time.perf_counter()
        placed["compacted"] = compacted(stores["small"], placed["small"], stores["compacted"])
        print(f"compacted {count} batches into {placed['compacted']['batch'].nunique()} in {time.perf_counter() - began:.1f} s")
        order = ["session", "metric"]
        one, other = (load_batches(stores[name], placed[name])[0].sort_values(order, ignore_index=True) for name in stores)
        pd.testing.assert_frame_equal(one, other)
        passes: dict[str, Callable[[str], int]] = {
            "load": lambda name: len(load_batches(stores[name], placed[name])[0]),
            "DuckDB": lambda name: by_duckdb(stores[name]),
        }
        print(f"{count} sessions, {METRICS} rows each, {options.days} days, {rounds} rounds; medians")
        print(f"{'pass':8} {'small s':>9} {'compacted s':>12} {'times as fast':>14}")
        for what, work in passes.items():
            seconds: dict[str, list[float]] = {name: [] for name in stores}
            for number in range(rounds):
                for name in stores if number % 2 == 0 else reversed(stores):
                    began = time.perf_counter()
                    found = work(name)
                    seconds[name].append(time.perf_counter() - began)
                    if found != count * METRICS:
                        raise SystemExit(f"{what}, {name}: {found} rows; expected {count * METRICS}")
            ratio = statistics.median(old / new for old, new in zip(seconds["small"], seconds["compacted"], strict=True))
            small, large = (statistics.median(seconds[name]) for name in ("small", "compacted"))
            print(f"{what:8} {small:9.2f} {large:12.3f} {ratio:14.1f}")


if __name__ == "__main__":
    main()
