"""What no machine can do: orders, ceilings and sums that hold whatever is measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from assay.check.ceilings import bandwidth_ceilings, flops_ceilings
from assay.check.found import found, records, shown
from assay.check.relatives import far_from_family
from assay.check.rule import Batch, Rule, Severity
from assay.check.sweeps import bandwidth_sweeps, latency_sweeps
from assay.check.work import EXECUTION

LATENCY_NOISE = 0.05
SWEEP_NOISE = 0.20
BANDWIDTH_NOISE = 0.05
NUMA_NOISE = 0.10
DRAM_TO_L1 = 5.0
CEILING_MARGIN = 1.05
ORDERS = 100.0

_PHYSICAL_UNITS = ("GB/s", "MB/s", "bytes/s", "GFLOPS", "GHz", "nanoseconds", "cycles")
_REMOTE = {"local_bandwidth": "remote_bandwidth", "local_latency": "remote_latency"}
_TIME_UNITS = ("seconds", "milliseconds", "nanoseconds")


def latency_order(batch: Batch) -> pd.DataFrame:
    """Results in which a larger working set answers faster, or memory about as fast as the first cache."""
    sweeps = batch.once(latency_sweeps)
    noise = np.fmax(np.where(sweeps["named"], LATENCY_NOISE, SWEEP_NOISE), sweeps["noise"])
    falls = sweeps[(sweeps["value"] < (1 - noise) * sweeps["slowest_before"]).to_numpy()].drop_duplicates("session")
    rows: list[tuple[Any, str, str, str, str]] = [
        (
            session,
            str(file),
            f"{metric} {shown(value)} {unit}",
            f"at least {shown(before)} {unit}",
            f"{metric} is {shown(value)} {unit}, but a smaller level takes {shown(before)}; latency rises from L1 to memory.",
        )
        for session, file, metric, value, before, unit in records(
            falls, "session", "file", "metric", "value", "slowest_before", "unit"
        )
    ]
    ends = sweeps[((sweeps["metric"] == "dram_latency") & (sweeps["first_metric"] == "l1_latency")).to_numpy()]
    flat = ends[(ends["value"] < DRAM_TO_L1 * ends["first"]).to_numpy()].drop_duplicates("session")
    seen = set(falls["session"])
    rows += [
        (
            session,
            str(file),
            f"dram {shown(value)}, l1 {shown(first)} {unit}",
            f"dram at least {DRAM_TO_L1:g} x l1",
            f"L1 answers in {shown(first)} and DRAM in {shown(value)} {unit}; expected DRAM at least {DRAM_TO_L1:g}x L1.",
        )
        for session, file, value, first, unit in records(flat, "session", "file", "value", "first", "unit")
        if session not in seen
    ]
    return found(rows)


def bandwidth_order(batch: Batch) -> pd.DataFrame:
    """Results in which memory delivers more than the first cache."""
    sweeps = batch.once(bandwidth_sweeps)
    noise = np.fmax(BANDWIDTH_NOISE, sweeps["noise"])
    rises = sweeps[(sweeps["is_last"] & (sweeps["value"] > (1 + noise) * sweeps["first"])).to_numpy()]
    return found(
        (
            session,
            str(file),
            f"{metric} {shown(value)} {unit}",
            f"at most {shown(first)} {unit}",
            f"{metric} is {shown(value)} {unit}, more than the {shown(first)} of {first_metric}; bandwidth falls towards memory.",
        )
        for session, file, metric, value, first, first_metric, unit in records(
            rises.drop_duplicates("session"), "session", "file", "metric", "value", "first", "first_metric", "unit"
        )
    )


def numa_order(batch: Batch) -> pd.DataFrame:
    """Results in which memory of another node is faster than that of the own."""
    values = batch.values[(batch.values["benchmark"] == "numa").to_numpy()]
    key = [*EXECUTION, "unit"]
    near = values[values["metric"].isin(list(_REMOTE)).to_numpy()].assign(remote=lambda rows: rows["metric"].map(_REMOTE))
    pairs = near.merge(
        values[[*key, "metric", "value"]], left_on=[*key, "remote"], right_on=[*key, "metric"], suffixes=("", "_remote")
    )
    latency = pairs["metric"].str.endswith("_latency").to_numpy(dtype=bool)
    gain = np.where(latency, pairs["value"] / pairs["value_remote"], pairs["value_remote"] / pairs["value"])
    faster = pairs[gain > 1 + NUMA_NOISE].drop_duplicates(["session", "metric"])
    return found(
        (
            session,
            str(file),
            f"{remote} {shown(far)} {unit}",
            f"not better than {metric}, {shown(own)} {unit}",
            f"{remote} is {shown(far)} and {metric} {shown(own)} {unit}; memory of another node is not faster than the own.",
        )
        for session, file, remote, far, metric, own, unit in records(
            faster, "session", "file", "remote", "value_remote", "metric", "value", "unit"
        )
    )


def bandwidth_ceiling(batch: Batch) -> pd.DataFrame:
    """Bandwidths over what the machine's memory or caches can carry."""
    return _over(batch.once(bandwidth_ceilings), "GB/s", "the memory of such a machine carries")


def gflops_ceiling(batch: Batch) -> pd.DataFrame:
    """LU solves and matrix products over what the machine's cores can compute."""
    return _over(batch.once(flops_ceilings), "GFLOPS", "the cores of such a machine compute")


def _over(table: pd.DataFrame, unit: str, who: str) -> pd.DataFrame:
    over = table[(table["rate"] > CEILING_MARGIN * table["ceiling"]).to_numpy()].drop_duplicates(["session", "metric"])
    return found(
        (
            session,
            str(file),
            f"{metric} {shown(rate)} {unit}",
            f"at most {shown(ceiling)} {unit}",
            f"{metric} is {shown(rate)} {unit}; {who} at most {shown(ceiling)} ({how}).",
        )
        for session, file, metric, rate, ceiling, how in records(over, "session", "file", "metric", "rate", "ceiling", "how")
    )


def zero_time(batch: Batch) -> pd.DataFrame:
    """Results that took no time."""
    rows, runs = batch.measurements, batch.executions
    values = rows[(rows["value"] <= 0).to_numpy(dtype=bool, na_value=False)]
    values = values[(values["unit"].isin(_TIME_UNITS) & (values["benchmark"] != "launch")).to_numpy(dtype=bool, na_value=False)]
    runs = runs[(runs["duration_s"] <= 0).to_numpy(dtype=bool, na_value=False)]
    with_numbers = runs["session"].isin(rows["session"]) if len(runs) else False
    runs = runs[((runs["status"] == "finished") & with_numbers).to_numpy(dtype=bool, na_value=False)]
    expected = "a time greater than zero"
    timed = [
        (session, str(file), f"{metric} {shown(value)} {unit}", expected, f"{metric} is {shown(value)} {unit}.")
        for session, file, metric, value, unit in records(
            values.drop_duplicates("session"), "session", "file", "metric", "value", "unit"
        )
    ]
    ran = [
        (session, str(file), f"{tool} {shown(value)} s", expected, f"The run of {tool} took {shown(value)} s and gave numbers.")
        for session, file, tool, value in records(runs.drop_duplicates("session"), "session", "file", "tool", "duration_s")
    ]
    return found([*timed, *ran])


def order_of_magnitude(batch: Batch) -> pd.DataFrame:
    """Numbers two orders of magnitude from the same metric of the same family, with and without scaling by processors."""
    values = batch.values[batch.values["unit"].isin(_PHYSICAL_UNITS).to_numpy()]
    far = far_from_family(batch, values, ORDERS)
    return found(
        (
            session,
            str(file),
            f"{metric} {shown(value)} {unit}",
            f"about {shown(median)} {unit}",
            f"{metric} is {shown(value)} {unit}; the median of family {family} is {shown(median)}: a unit or a digit is wrong.",
        )
        for session, file, metric, value, unit, median, family in records(
            far, "session", "file", "metric", "value", "unit", "median", "instance_family"
        )
    )


RULES = (
    Rule(
        "physics.latency-order",
        Severity.QUARANTINE,
        "Latency rises from L1 to DRAM.",
        "A larger level cannot answer faster than a smaller one that it contains; beyond 5 % (20 % for single working sets), and "
        "beyond what repetitions in the session differ by, it is an error of the measurement (Drepper, What Every Programmer "
        "Should Know About Memory, 2007, section 3).",
        latency_order,
        applies_to=("cache_latency", "membench"),
    ),
    Rule(
        "physics.bandwidth-order",
        Severity.QUARANTINE,
        "Bandwidth does not rise from L1 to DRAM.",
        "What comes from memory passes through the caches (Drepper 2007, section 3); sizes in between scatter and are "
        "not judged.",
        bandwidth_order,
    ),
    Rule(
        "physics.bandwidth-ceiling",
        Severity.QUARANTINE,
        "A bandwidth does not exceed what the machine's memory can carry, or its caches where it is theirs.",
        "Channels times transfers times 8 bytes, with the most channels and the fastest modules of the kind of memory "
        "(JEDEC), by "
        "sockets; arrays that fit into caches are held to what the cores can load and store.",
        bandwidth_ceiling,
        applies_to=("stream", "stream_cache", "numa"),
    ),
    Rule(
        "physics.gflops-ceiling",
        Severity.QUARANTINE,
        "An LU solve or a matrix product does not exceed what the machine's cores can compute.",
        "Cores times clock times two fused multiply-adds a cycle of the widest vector unit.",
        gflops_ceiling,
        applies_to=("hpl", "hpl_mkl", "dgemm"),
    ),
    Rule(
        "physics.numa-order",
        Severity.WARNING,
        "Memory of another NUMA node is not faster than that of the own.",
        "A load from another node passes the own one's caches and the link between them (Drepper 2007, section 5); beyond 10 % "
        "the nodes that a virtual machine shows are not those of the hardware, or another program was in the way.",
        numa_order,
        applies_to=("numa",),
    ),
    Rule(
        "physics.zero-time",
        Severity.QUARANTINE,
        "What was timed took some time.",
        "A time of zero is a clock that was too coarse, or a benchmark that was optimized away.",
        zero_time,
    ),
    Rule(
        "physics.order-of-magnitude",
        Severity.QUARANTINE,
        "A number is within two orders of magnitude of its family's median.",
        "Types of a family share processor and memory and differ in size; divided by processors or not, a factor of "
        "100 is a wrong unit or "
        "a lost digit.",
        order_of_magnitude,
    ),
)
