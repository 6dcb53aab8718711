"""Building every document of a large dataset: time, peak memory, growth with the number of types, and JSON output beside orjson.

The dataset is made: TYPES instance types, METRICS metrics each, one session of three executions a week for WEEKS weeks. JSON
output is compared with `orjson.dumps` of the same trees, in interleaved rounds; the figure is the median of the paired ratios.
Ours sorts keys and indents: two snapshots can be compared line by line.

    python benchmarks/json_output.py --types 1000 --metrics 40 --weeks 52
    python benchmarks/json_output.py --quick
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import numpy as np
import orjson
import pandas as pd
from assay.check.rule import FINDING_COLUMNS
from assay.dataset.build import build_documents
from assay.dataset.content import Counts, DatasetContent
from assay.dataset.encode import to_json
from assay.measurement import MEASUREMENT_COLUMNS, typed
from assay.summarize.statistics import summarize

START = datetime(2024, 1, 1, 6, tzinfo=UTC)
EXECUTIONS = 3
LIMIT = 2.0


def made_content(types: int, metrics: int, weeks: int) -> DatasetContent:
    """A dataset of that size, measurements first, everything else computed from them."""
    rng = np.random.default_rng(1)
    subjects = np.array([f"m{number % 9 + 1}i{number}.large" for number in range(types)])
    moments = [START + timedelta(weeks=week) for week in range(weeks)]
    sessions = np.array(
        [
            [f"{at:%Y%m%dT%H%M%SZ}-{hashlib.sha256(f'{name} {at}'.encode()).hexdigest()[:12]}" for at in moments]
            for name in subjects
        ]
    )
    shape = (types, weeks, metrics, EXECUTIONS)
    type_, week, metric, execution = (axis.ravel() for axis in np.indices(shape))
    values = 50 * (1 + metric / 10) * (1 + type_ / types) * rng.lognormal(0, 0.02, type_.size)
    names = np.array(["triad_bandwidth", "copy_bandwidth", *(f"metric_{number}" for number in range(metrics - 2))])
    benchmarks = np.where(metric < 2, "stream", "suite")
    known: dict[str, Any] = {
        "session": sessions[type_, week],
        "subject": subjects[type_],
        "benchmark": benchmarks,
        "metric": names[metric],
        "value": values,
        "unit": "GB/s",
        "implementation": "made",
        "version": "1",
        "threads": "all",
        "size_policy": "made",
        "build_flags": "made",
        "execution": execution + 1,
        "file": "made/1/stdout.txt",
    }
    empty = {name: np.nan if dtype == "float64" else None for name, (dtype, _) in MEASUREMENT_COLUMNS.items()}
    table = typed(pd.DataFrame({**empty, **known}, index=range(type_.size)), MEASUREMENT_COLUMNS)
    flat = sessions.ravel()
    rows = pd.DataFrame({"session": flat, "subject": np.repeat(subjects, weeks)})
    rows["started_at"] = pd.to_datetime(rows["session"].str[:15], format="%Y%m%dT%H%M%S", utc=True)
    rows["ended_at"] = rows["started_at"] + timedelta(minutes=10)
    rows = rows.assign(kind="instance_benchmark", source="made", licence="CC BY 4.0", attribution="made", url="")
    rows["manifest_sha256"] = [hashlib.sha256(name.encode()).hexdigest() for name in flat]
    rows["profile"] = [{} for _ in flat]
    files = pd.DataFrame({"session": flat, "path": "made/1/stdout.txt", "size": 1, "sha256": rows["manifest_sha256"]})
    return DatasetContent(
        dataset="made",
        licence="CC BY 4.0",
        statistics=summarize(table),
        sessions=rows,
        raw_files=files,
        quarantined=rows.iloc[:0],
        findings=pd.DataFrame(columns=list(FINDING_COLUMNS)),
        accounting=Counts(len(flat), len(flat), 0, 0),
        measurements=table,
    )


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def build_once(types: int, metrics: int, weeks: int) -> None:
    """Build in this process and print seconds, peak memory before and after in MB, and bytes; for a process of its own."""
    content = made_content(types, metrics, weeks)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    documents = build_documents(content)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds} {before} {peak} {sum(map(len, documents.values()))} {max(map(len, documents.values()))}")


def measure(types: int, metrics: int, weeks: int) -> tuple[float, float]:
    """Build in a fresh process; print and give seconds and peak memory in MB."""
    command = [sys.executable, __file__, "--once", "--types", str(types), "--metrics", str(metrics), "--weeks", str(weeks)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, before, peak, size, largest = map(float, done.stdout.split())
    print(
        f"{types:5d} types x {metrics} metrics x {weeks} weeks: {seconds:6.1f} s, peak {peak:6.0f} MB (content {before:.0f} MB), "
        f"{size / 1e6:6.1f} MB in all, largest {largest / 1e6:.1f} MB"
    )
    return seconds, peak


def compare_output(types: int, metrics: int, weeks: int, rounds: int) -> float:
    """Median of the paired ratios: our bytes from the decoded documents / `orjson.dumps` of the same."""
    documents = build_documents(made_content(types, metrics, weeks))
    trees = [orjson.loads(raw) for name, raw in documents.items() if name.endswith(".json")]
    del documents

    def ours() -> None:
        for tree in trees:
            to_json(tree)

    def peer() -> None:
        for tree in trees:
            orjson.dumps(tree)

    ratios = []
    for number in range(rounds):
        first, second = (ours, peer) if number % 2 == 0 else (peer, ours)
        one, two = timed(first), timed(second)
        ratios.append(one / two if number % 2 == 0 else two / one)
    return median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="100 types, 10 metrics, 4 weeks")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    types, metrics, weeks = (100, 10, 4) if arguments.quick else (arguments.types, arguments.metrics, arguments.weeks)
    if arguments.once:
        build_once(types, metrics, weeks)
        return
    small, _ = measure(max(types // 10, 1), metrics, weeks)
    large, _ = measure(types, metrics, weeks)
    print(f"growth for 10x the types: {large / small:.1f}x the time")
    few = max(types // 10, 1)
    ratio = compare_output(few, metrics, weeks, arguments.rounds)
    print(f"JSON output / orjson.dumps of the same trees ({few} types): {ratio:.2f} (at most {LIMIT})")


if __name__ == "__main__":
    main()
