"""What judging a whole batch costs, beside a plain pandas pass over the same rows.

Makes sessions of an instance benchmark (ten numbers each, STREAM and latencies, honest and noisy) and judges them in one
batch with every rule. The plain pass is what any check needs at least: group the rows by session and metric, and take count,
mean, smallest and largest. Printed: seconds and peak memory of both, each in a process of its own, and how the cost grows
with the number of sessions. Asked: linear.

    python benchmarks/check_batch.py            1 million rows from 100,000 sessions, about five minutes
    python benchmarks/check_batch.py --quick    a tenth of it
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import synthetic
from assay.check.rule import Batch
from assay.reference import catalogue

STREAM = ("copy_bandwidth", "scale_bandwidth", "add_bandwidth", "triad_bandwidth")
LATENCY = ("l1_latency", "l2_latency", "l3_latency", "dram_latency")
WIDTH = 10


def made(sessions: int, seed: int = 1) -> Batch:
    """Honest sessions: STREAM on all cores, its triad on one, four latencies and their working set."""
    rng = np.random.default_rng(seed)
    known = catalogue.frame()
    chosen = rng.integers(0, len(known), sessions)
    subjects = known["instance_type"].astype(object).to_numpy()[chosen].tolist()
    processor = pd.factorize(known["processor"].fillna(known["instance_family"]))[0][chosen]
    level = np.exp(rng.normal(3.0, 0.4, processor.max() + 1))[processor]
    ratios = np.exp(rng.normal(0.0, 0.03, (processor.max() + 1, 8)))[processor]
    noise = np.exp(rng.normal(0.0, 0.01, (sessions, 8)))
    rates = level[:, None] * ratios[:, :4] * noise[:, :4]
    latencies = np.array([1.2, 4.5, 18.0, 95.0]) * ratios[:, 4:] * noise[:, 4:]
    wide = np.hstack([rates, rates[:, :1] * 0.6, rates[:, 3:] * 0.6, latencies])
    batch = synthetic.batch(subjects, tuple(f"m{number}" for number in range(WIDTH)), wide)
    rows = batch.measurements
    count = sessions
    metric = [*STREAM, "copy_bandwidth", "triad_bandwidth", *LATENCY]
    rows["metric"] = pd.Series(metric * count, index=rows.index, dtype="string")
    rows["benchmark"] = pd.Series((["stream"] * 6 + ["cache_latency"] * 4) * count, index=rows.index, dtype="string")
    rows["unit"] = pd.Series((["GB/s"] * 6 + ["nanoseconds"] * 4) * count, index=rows.index, dtype="string")
    rows["threads"] = pd.Series((["all"] * 4 + ["one"] * 6) * count, index=rows.index, dtype="string")
    one = rows["threads"] == "one"
    whole = (rows["benchmark"] != "stream") | ~one
    return Batch(batch.sessions, batch.files, batch.executions, rows[whole.to_numpy()])


def plain(batch: Batch) -> int:
    """A pass over the rows that finds nothing."""
    return len(
        batch.measurements.groupby(["session", "benchmark", "metric"], sort=False)["value"].agg(["size", "mean", "min", "max"])
    )


def checked(batch: Batch) -> int:
    """Every rule, and one verdict a session."""
    from assay.check.judge import judge, verdicts

    return len(verdicts(batch.sessions["session"], judge(batch)))


WORK = {"plain": plain, "checked": checked}


def run_one(name: str, sessions: int) -> None:
    """What the child process does: seconds, memory before and peak memory, and how many were held."""
    if name == "checked":
        import great_expectations  # noqa: F401 - not part of what is timed
    batch = made(sessions)
    before = synthetic.peak_megabytes()
    started = time.perf_counter()
    WORK[name](batch)
    seconds = time.perf_counter() - started
    print(json.dumps([seconds, before, synthetic.peak_megabytes(), len(batch.measurements)]))


def in_a_process(name: str, sessions: int) -> tuple[float, float, float, int]:
    """The child's answer."""
    done = subprocess.run([sys.executable, __file__, "--one", name, str(sessions)], capture_output=True, text=True, check=True)
    seconds, before, peak, rows = json.loads(done.stdout.splitlines()[-1])
    return seconds, before, peak, rows


def main() -> None:
    """Run both at three sizes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=125_000, help="of the largest batch; 8 rows each (default: 125,000)")
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--one", nargs=2, metavar=("WHO", "SESSIONS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one[0], int(options.one[1]))
        return
    largest = options.sessions // (10 if options.quick else 1)
    print(" sessions      rows     plain     checked  ratio  peak plain  peak checked  per session")
    costs = []
    for sessions in (largest // 4, largest // 2, largest):
        simple, _, simple_peak, rows = in_a_process("plain", sessions)
        full, _, full_peak, _ = in_a_process("checked", sessions)
        costs.append(full / sessions)
        cells = (f"{sessions:9}", f"{rows:9}", f"{simple:7.2f} s", f"{full:8.1f} s", f"{full / simple:6.0f}")
        print(" ".join(cells), f"{simple_peak:8.0f} MB {full_peak:10.0f} MB {1e6 * costs[-1]:9.0f} us")
    print(f"cost of a session, largest batch / smallest: {costs[-1] / costs[0]:.2f} (linear: about 1)")


if __name__ == "__main__":
    main()
