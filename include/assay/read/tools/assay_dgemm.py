"""Our matrix product's output -> GFLOPS by vector width. Format: include/assay/agent/kernels/dgemm.py; samples in
tests/data/assay_dgemm/.

GFLOPS = 2 N^3 / t / 10^9. The value of an execution is the median of its repetitions; `widest_gflops` is that of the kernels
that come first in the report, which the agent lists from the widest to the narrowest.
"""

from __future__ import annotations

from statistics import median

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "assay-dgemm"
BENCHMARK = "dgemm"
VERSION = "1"

KERNELS = ("avx512", "avx2", "sve", "narrow")
LARGEST_ERROR = 1e-10


def read(raw: str, context: Execution) -> list[Measurement]:
    """`<kernels>_gflops`: every repetition, and the median. Raises Unreadable if it is not whole or a product is wrong."""
    report = Report(raw, TOOL, VERSION)
    order = report.take("order").whole(1, 1)
    repetitions = report.take("repetitions").whole(1, 1)
    labels: list[str] = []
    for line in report.while_first("kernels"):
        if len(line.words) != 3 or line.words[1] not in KERNELS or line.words[1] in labels:
            raise line.fail(f"one of {', '.join(KERNELS)} that was not named before, and the kernels' name")
        labels.append(line.words[1])
    error = report.take("largest_error")
    if not labels or error.real(1) > LARGEST_ERROR:
        raise error.fail(f"kernels before it, and an error of {LARGEST_ERROR} at most")
    report.take("columns", "time", "kernels", "repetition", "core_s")
    rates: dict[str, list[float]] = {}
    for label in labels:
        for repetition in range(repetitions):
            line = report.take("time", label, str(repetition))
            if len(line.words) != 4 or line.real(3) <= 0.0:
                raise line.fail("a time in seconds, greater than zero")
            rates.setdefault(label, []).append(2e-9 * order**3 / line.real(3))
    report.done()
    found = []
    for label, each in rates.items():
        metric = f"{label}_gflops"
        found += [Measurement(BENCHMARK, metric, rate, "GFLOPS", number, order) for number, rate in enumerate(each)]
        found.append(Measurement(BENCHMARK, metric, median(each), "GFLOPS", None, order))
    return [*found, Measurement(BENCHMARK, "widest_gflops", median(rates[labels[0]]), "GFLOPS", None, order)]
