"""Our cache kernel's output -> bandwidth by level. Format: include/assay/agent/kernels/cache_bandwidth.c; a sample in
tests/data/assay_cache_bandwidth/.

Bytes are those that the triad names, 3 x 8 a number (STREAM's count). The value of an execution is the median of its repetitions.
"""

from __future__ import annotations

from statistics import median

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "assay-cache-bandwidth"
BENCHMARK = "stream_cache"
VERSION = "1"

LEVELS = ("l1", "l2", "l3")
BYTES_A_NUMBER = 24


def read(raw: str, context: Execution) -> list[Measurement]:
    """`l1_bandwidth` to `l3_bandwidth` in GB/s, with the bytes of the three arrays: every repetition, and the median.

    Raises Unreadable if the report is not whole or a time is zero.
    """
    report = Report(raw, TOOL, VERSION)
    report.take("vector_bits").whole(1, 64)
    repetitions = report.take("repetitions").whole(1, 1)
    elements: dict[str, int] = {}
    for line in report.while_first("level"):
        if len(line.words) != 3 or line.words[1] not in LEVELS or line.words[1] in elements:
            raise line.fail(f"one of {', '.join(LEVELS)} that was not named before, and its elements")
        elements[line.words[1]] = line.whole(2, 1)
    columns = report.take("columns", "time", "level", "repetition", "passes", "core_s")
    if not elements:
        raise columns.fail("a level before it")
    rates: dict[str, list[float]] = {level: [] for level in elements}
    for repetition in range(repetitions):
        for level, size in elements.items():
            line = report.take("time", level, str(repetition))
            if len(line.words) != 5 or line.real(4) <= 0.0:
                raise line.fail("a time in seconds, greater than zero")
            rates[level].append(1e-9 * BYTES_A_NUMBER * size * line.whole(3, 1) / line.real(4))
    report.done()
    found = []
    for level, each in rates.items():
        metric, size = f"{level}_bandwidth", BYTES_A_NUMBER * elements[level]
        found += [Measurement(BENCHMARK, metric, rate, "GB/s", number, size) for number, rate in enumerate(each)]
        found.append(Measurement(BENCHMARK, metric, median(each), "GB/s", None, size))
    return found
