"""Our STREAM kernel's output -> bandwidths. Format: include/assay/agent/kernels/stream.c; samples in tests/data/assay_stream/.

Bytes of a pass as STREAM counts them: 2 x 8 x N for copy and scale, 3 x 8 x N for add and triad; what a cache line costs to be
fetched before it is written is not counted. The value of an execution is its best pass, the first not counted (STREAM 5.10).
"""

from __future__ import annotations

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "assay-stream"
BENCHMARK = "stream"
VERSION = "1"

ARRAYS = {"copy_bandwidth": 2, "scale_bandwidth": 2, "add_bandwidth": 3, "triad_bandwidth": 3}
"""Arrays that one pass of each kernel moves, in the order of the columns."""

_LEAST_PASSES = 2


def read(raw: str, context: Execution) -> list[Measurement]:
    """Copy, scale, add and triad in GB/s: every pass, and the best one without the first.

    Raises Unreadable if the report is not whole, a time is zero, or the arrays did not hold what they must.
    """
    report = Report(raw, TOOL, VERSION)
    elements = report.take("elements").whole(1, 1)
    size = report.take("array_bytes")
    if size.whole(1) != 8 * elements:
        raise size.fail(f"{8 * elements} bytes for {elements} doubles")
    report.take("threads").whole(1, 1)
    report.take("pinned").whole(1)
    report.take("offset_bytes").whole(1)
    report.take("huge_bytes").whole(1)
    passes = report.take("iterations").whole(1, _LEAST_PASSES)
    report.take("columns", "iteration", "copy_s", "scale_s", "add_s", "triad_s")
    times: list[list[float]] = []
    for number in range(passes):
        line = report.take("pass", str(number))
        times.append([line.real(at) for at in range(2, 6)])
        if len(line.words) != 6 or min(times[-1]) <= 0.0:
            raise line.fail("four times in seconds, all greater than zero")
    for array in "abc":
        check = report.take("validation", array)
        if check.words[-1] != "passed":
            raise check.fail("arrays that hold what they must")
    report.done()
    found = []
    for column, (metric, arrays) in enumerate(ARRAYS.items()):
        moved = 1e-9 * arrays * 8 * elements
        rates = [moved / row[column] for row in times]
        found += [Measurement(BENCHMARK, metric, rate, "GB/s", number, 8 * elements) for number, rate in enumerate(rates)]
        found.append(Measurement(BENCHMARK, metric, max(rates[1:]), "GB/s", None, 8 * elements))
    return found
