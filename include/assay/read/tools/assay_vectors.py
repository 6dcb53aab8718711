"""Our vector kernel's output -> bandwidth with vectors and without. Format: include/assay/agent/kernels/vectors.c; a sample in
tests/data/assay_vectors/.

Bytes are those that the triad names, 3 x 8 a number (STREAM's count). The value of an execution is the median of its repetitions.
"""

from __future__ import annotations

from statistics import median

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "assay-vectors"
BENCHMARK = "vectorization"
VERSION = "1"

BYTES_A_NUMBER = 24


def read(raw: str, context: Execution) -> list[Measurement]:
    """Both bandwidths in GB/s: every repetition, and the median. Raises Unreadable if a report is not whole or a time is zero."""
    report = Report(raw, TOOL, VERSION)
    report.take("vector_bits").whole(1, 64)
    elements = report.take("elements").whole(1, 1)
    repetitions = report.take("repetitions").whole(1, 1)
    report.take("columns", "repetition", "kernel", "passes", "core_s")
    found: dict[str, list[float]] = {"vector": [], "scalar": []}
    for repetition in range(repetitions):
        for kernel, rates in found.items():
            line = report.take("time", str(repetition), kernel)
            passes, seconds = line.whole(3, 1), line.real(4)
            if len(line.words) != 5 or seconds <= 0.0:
                raise line.fail("a time in seconds, greater than zero")
            rates.append(1e-9 * BYTES_A_NUMBER * elements * passes / seconds)
    report.done()
    rows = []
    for kernel, rates in found.items():
        metric = f"{kernel}_bandwidth"
        rows += [Measurement(BENCHMARK, metric, rate, "GB/s", number) for number, rate in enumerate(rates)]
        rows.append(Measurement(BENCHMARK, metric, median(rates), "GB/s"))
    return rows
