"""Our pointer chase's output -> latencies. Format: include/assay/agent/kernels/latency.c; samples in tests/data/assay_latency/.

A load waits for the one before it, so time by loads is the latency. The value of a level is the median over the repetitions of
the working set that stands for it; the output says which one that is.
"""

from __future__ import annotations

from statistics import median

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "assay-latency"
BENCHMARK = "cache_latency"
VERSION = "1"

LEVELS = ("l1", "l2", "l3", "dram")


def read(raw: str, context: Execution) -> list[Measurement]:
    """Nanoseconds a load: `latency` for every working set (`problem_size`, bytes) and repetition, and one value for each level.

    Raises Unreadable if the report is not whole, a time is zero, or a level's working set was not measured.
    """
    report = Report(raw, TOOL, VERSION)
    report.take("line_bytes").whole(1, 1)
    repetitions = report.take("repetitions").whole(1, 1)
    report.take("memory_bytes").whole(1, 1)
    report.take("huge_bytes").whole(1)
    stated = report.while_first("level")
    sets = report.take("working_sets").whole(1, 1)
    report.take("columns", "chase", "working_set_bytes", "repetition", "loads", "core_s")
    latencies: dict[int, list[float]] = {}
    for _ in range(sets):
        size = 0
        for repetition in range(repetitions):
            line = report.take("chase")
            if repetition == 0:
                size = line.whole(1, 1)
                if size in latencies:
                    raise line.fail("a working set that was not measured before")
            if len(line.words) != 5 or line.whole(1) != size or line.whole(2) != repetition or line.real(4) <= 0.0:
                raise line.fail(f"repetition {repetition} of working set {size}, with a time greater than zero")
            latencies.setdefault(size, []).append(1e9 * line.real(4) / line.whole(3, 1))
    report.done()
    every = [(size, value) for size, values in latencies.items() for value in values]
    found = [Measurement(BENCHMARK, "latency", value, "nanoseconds", at, size) for at, (size, value) in enumerate(every)]
    for line in stated:
        size = line.whole(2, 1)
        if line.words[1] not in LEVELS or size not in latencies:
            raise line.fail("a level, and a working set that was measured")
        found.append(Measurement(BENCHMARK, f"{line.words[1]}_latency", median(latencies[size]), "nanoseconds", None, size))
    return found
