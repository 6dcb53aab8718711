"""Building every document of a large dataset: time, peak memory, largest file, and growth with the number of types.

The dataset is made: TYPES instance types in families of ten, METRICS metrics each, one session of three executions a week for
WEEKS weeks, a tenth of the types with a change of level, prices in three regions. Measurements come part by part, as from the
processed layer; the documents over time go to disk as they are made, as when publishing. Each size is built in a process of its
own. Beside it in the same process, as the peer: `orjson.dumps` of the snapshot's decoded JSON documents, the least that writing
them can cost, and our own output of the same trees.

    python benchmarks/build_documents.py                 100, 300 and 1,000 types x 40 metrics x 52 weeks
    python benchmarks/build_documents.py --quick         10, 30 and 100 types x 10 metrics x 8 weeks
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import orjson
import pandas as pd
from assay.check.rule import FINDING_COLUMNS
from assay.dataset.build import build_documents
from assay.dataset.content import Counts, DatasetContent
from assay.dataset.encode import to_json
from assay.dataset.executions import executions_of, summarize_by
from assay.measurement import MEASUREMENT_COLUMNS
from assay.reference.prices import PRICE_COLUMNS
from assay.summarize.statistics import finish
from synthetic import peak_megabytes

START = datetime(2024, 1, 1, 6, tzinfo=UTC)
EXECUTIONS = 3
LARGEST = 50_000_000
ROUNDS = 5
REGIONS = {"us-east-1": 1.0, "us-west-2": 1.0, "eu-west-1": 1.1}
"""Whose prices are published by default."""
FAMILY = 10


class MadeRows:
    """Measurements that are made when they are asked for, a week at a time: nothing of the whole is held."""

    def __init__(self, types: int, metrics: int, weeks: int) -> None:
        self.types, self.metrics, self.weeks = types, metrics, weeks
        families = [f"{'cmrxt'[k % 5]}{k // 15 + 1}{'iag'[k % 3]}" for k in range(-(-types // FAMILY))]
        self.subjects = [f"{families[number // FAMILY]}.size{number % FAMILY}" for number in range(types)]
        self.names = ["triad_bandwidth", "copy_bandwidth", *(f"metric_{number}" for number in range(metrics - 2))]

    def sessions(self, week: int) -> list[str]:
        """The ids of a week's sessions, one a type."""
        at = START + timedelta(weeks=week)
        digests = (hashlib.sha256(f"{name} {week}".encode()).hexdigest()[:12] for name in self.subjects)
        return [f"{at:%Y%m%dT%H%M%SZ}-{digest}" for digest in digests]

    def parts(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """The rows, as assay.dataset.rows.MeasurementRows promises."""
        type_, metric, execution = (axis.ravel() for axis in np.indices((self.types, self.metrics, EXECUTIONS)))
        rows = len(type_)
        for week in range(self.weeks):
            rng = np.random.default_rng(week)
            level = (
                50 * (1 + metric / 10) * (1 + type_ / self.types) * np.where((type_ % 10 == 0) & (week > self.weeks // 2), 1.1, 1)
            )
            made: dict[str, Any] = {
                "session": pd.Categorical.from_codes(type_, self.sessions(week)),
                "subject": pd.Categorical.from_codes(type_, self.subjects),
                "benchmark": pd.Categorical.from_codes((metric >= 2).astype(int), ["stream", "suite"]),
                "metric": pd.Categorical.from_codes(metric, self.names),
                # As a tool prints them, with four decimals.
                "value": np.round(level * rng.lognormal(0, 0.02, rows), 4),
                "execution": pd.array(execution + 1, dtype="Int32"),
                "started_at": pd.array([START + timedelta(weeks=week)] * rows, dtype="datetime64[us, UTC]"),
            }
            same = {"unit": "GB/s", "threads": "all", "file": "made/1/stdout.txt"}
            for name in columns:
                dtype = MEASUREMENT_COLUMNS[name][0]
                if name not in made and dtype == "string":
                    made[name] = pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), [same.get(name, "made")])
                elif name not in made:
                    made[name] = pd.array([None] * rows, dtype="Float64" if dtype == "float64" else dtype)
            yield pd.DataFrame({name: made[name] for name in columns})


def made_content(types: int, metrics: int, weeks: int) -> DatasetContent:
    """A dataset of that size; its statistics are computed from its measurements."""
    rows = MadeRows(types, metrics, weeks)
    ids = [session for week in range(weeks) for session in rows.sessions(week)]
    sessions = pd.DataFrame({"session": ids, "subject": rows.subjects * weeks})
    sessions["started_at"] = pd.to_datetime(sessions["session"].str[:15], format="%Y%m%dT%H%M%S", utc=True)
    sessions["ended_at"] = sessions["started_at"] + timedelta(minutes=10)
    sessions = sessions.assign(kind="instance_benchmark", source="made", licence="CC BY 4.0", attribution="made", url="")
    sessions["manifest_sha256"] = [hashlib.sha256(name.encode()).hexdigest() for name in ids]
    sessions["profile"] = [{} for _ in ids]
    files = pd.DataFrame({"session": ids, "path": "made/1/stdout.txt", "size": 1, "sha256": sessions["manifest_sha256"]})
    executions = executions_of(rows, sessions)
    table, used = summarize_by(executions, np.zeros(len(executions.group), dtype=np.int64))
    keys = executions.keys.iloc[table["group"]]
    names = executions.sessions["session"].to_numpy(dtype=object)
    return DatasetContent(
        dataset="made",
        licence="CC BY 4.0",
        statistics=finish(keys, table.drop(columns=["group", "part"]), names[used]),
        sessions=sessions,
        raw_files=files,
        quarantined=sessions.iloc[:0],
        findings=pd.DataFrame(columns=list(FINDING_COLUMNS)),
        accounting=Counts(len(ids), len(ids), 0, 0),
        measurements=rows,
        prices=made_prices(rows.subjects),
    )


def made_prices(subjects: Sequence[str]) -> pd.DataFrame:
    """A price for every type in every region."""
    made = [
        (name, region, round(0.05 * (number % FAMILY + 1) * factor, 4), None, "a price list", "2024-12-01")
        for number, name in enumerate(subjects)
        for region, factor in REGIONS.items()
    ]
    return pd.DataFrame(made, columns=list(PRICE_COLUMNS))


def output_beside_orjson(documents: Mapping[str, bytes], rounds: int) -> dict[str, float]:
    """Writing a snapshot's JSON documents from their decoded trees beside `orjson.dumps` of the same trees, rounds interleaved:
    median of the paired `ratio`s, median processor seconds of both, and the `bytes` of a round."""
    # A document with no line break but the last is one that is published without indentation.
    trees = [(orjson.loads(raw), raw.count(b"\n") == 1) for name, raw in documents.items() if name.endswith(".json")]
    ours: list[float] = []
    peer: list[float] = []
    for number in range(rounds):
        for which in (ours, peer) if number % 2 == 0 else (peer, ours):
            began = time.process_time()
            for tree, compact in trees:
                if which is ours:
                    to_json(tree, compact=compact)
                else:
                    orjson.dumps(tree)
            which.append(time.process_time() - began)
    ratios = [one / two for one, two in zip(ours, peer, strict=True)]
    size = sum(len(raw) for name, raw in documents.items() if name.endswith(".json"))
    return {"ratio": median(ratios), "ours": median(ours), "orjson": median(peer), "bytes": size}


def build_once(types: int, metrics: int, weeks: int) -> dict[str, float | str]:
    """Build in this process; seconds, peak memory in MB, bytes."""
    content = made_content(types, metrics, weeks)
    before, began, cpu = peak_megabytes(), time.perf_counter(), time.process_time()
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:

        def archive(path: str, data: bytes) -> None:
            (Path(folder) / str(len(sizes))).write_bytes(data)
            sizes[path] = len(data)

        documents = build_documents(content, archive)
    took, busy, peak = time.perf_counter() - began, time.process_time() - cpu, peak_megabytes()
    over_time = sum(sizes.values())
    sizes |= {name: len(data) for name, data in documents.items()}
    largest = max(sizes, key=sizes.__getitem__)
    output = output_beside_orjson(documents, ROUNDS)
    return {
        "seconds": took,
        "cpu": busy,
        "before": before,
        "peak": peak,
        "dump": output["orjson"],
        "ratio": output["ratio"],
        "snapshot": sum(map(len, documents.values())),
        "over_time": over_time,
        "files": len(sizes),
        "largest": sizes[largest],
        "name": largest,
        "trends": sizes["trends.json"],
        "prices": sizes["price-performance.json"],
        "packed": len(gzip.compress(documents["price-performance.json"], 6)),
    }


def measure(types: int, metrics: int, weeks: int) -> dict[str, Any]:
    """Build in a fresh process; print and give what it found."""
    size = ["--types", str(types), "--metrics", str(metrics), "--weeks", str(weeks)]
    done = subprocess.run([sys.executable, __file__, "--once", *size], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    print(
        f"{types:5d} types x {metrics} metrics x {weeks} weeks: {found['seconds']:6.1f} s ({found['cpu']:.1f} s of processor), "
        f"peak {found['peak']:.0f} MB (content {found['before']:.0f} MB), orjson.dumps alone {found['dump']:.1f} s, "
        f"our output / orjson.dumps of the same trees {found['ratio']:.2f}"
    )
    print(
        f"      {found['files']} files, snapshot {found['snapshot'] / 1e6:.1f} MB, over time {found['over_time'] / 1e6:.1f} MB, "
        f"trends.json {found['trends'] / 1e6:.1f} MB, price-performance.json {found['prices'] / 1e6:.1f} MB "
        f"({found['packed'] / 1e6:.2f} MB packed), largest {found['name']} {found['largest'] / 1e6:.1f} MB"
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--quick", action="store_true", help="100 types, 10 metrics, 8 weeks")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    types, metrics, weeks = (100, 10, 8) if arguments.quick else (arguments.types, arguments.metrics, arguments.weeks)
    if arguments.once:
        print(json.dumps(build_once(types, metrics, weeks)))
        return
    steps = [max(types // 10, 1), max(types * 3 // 10, 1), types]
    found = [measure(step, metrics, weeks) for step in steps]
    for step, one in zip(steps[1:], found[1:], strict=True):
        time_, memory = one["cpu"] / found[0]["cpu"], one["peak"] / found[0]["peak"]
        print(f"{step / steps[0]:.0f}x the types: {time_:.1f}x the processor time (at most linear), {memory:.1f}x the memory")
    print(f"largest file: {found[-1]['largest'] / 1e6:.1f} MB (at most {LARGEST / 1e6:.0f})")


if __name__ == "__main__":
    main()
