"""Our clock kernel's output -> sustained clock. Format: include/assay/agent/kernels/core_clock.c; samples in
tests/data/assay_core_clock/.

One addition of the chain takes one cycle, so additions per second of a thread's own time on its core are its clock. A repetition
is the mean over the threads; the value of an execution is the median of its repetitions.
"""

from __future__ import annotations

from statistics import fmean, median

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "assay-core-clock"
BENCHMARK = "core_clock"
VERSION = "1"


def read(raw: str, context: Execution) -> list[Measurement]:
    """The clock in GHz: every repetition, and their median. Raises Unreadable if the report is not whole or a time is zero."""
    report = Report(raw, TOOL, VERSION)
    threads = report.take("threads").whole(1, 1)
    repetitions = report.take("repetitions").whole(1, 1)
    report.take("columns", "repetition", "thread", "additions", "core_s")
    clocks = []
    for repetition in range(repetitions):
        each = []
        for thread in range(threads):
            line = report.take("clock", str(repetition), str(thread))
            additions, seconds = line.whole(3, 1), line.real(4)
            if len(line.words) != 5 or seconds <= 0.0:
                raise line.fail("a time in seconds, greater than zero")
            each.append(1e-9 * additions / seconds)
        clocks.append(fmean(each))
    report.done()
    found = [Measurement(BENCHMARK, "sustained_clock", clock, "GHz", number) for number, clock in enumerate(clocks)]
    return [*found, Measurement(BENCHMARK, "sustained_clock", median(clocks), "GHz")]
