"""Our NUMA kernel's output -> bandwidth and latency of local and remote memory. Format: include/assay/agent/kernels/numa.c; a
sample in tests/data/assay_numa/.

Bytes of a pass are those that the triad names, 3 x 8 x N. As in STREAM the value is the best pass, the first not counted; a
latency is the median of its repetitions. Memory that does not lie where it was bound to measures something else.
"""

from __future__ import annotations

from statistics import median

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "assay-numa"
BENCHMARK = "numa"
VERSION = "1"

BYTES_A_NUMBER = 24
LEAST_SHARE = 0.95
"""Of the pages that were asked for, those that must lie on the node."""


def read(raw: str, context: Execution) -> list[Measurement]:
    """`local_` and, where there is another node, `remote_bandwidth` in GB/s and `_latency` in nanoseconds, with every pass.

    Raises Unreadable if the report is not whole, a time is zero, or pages lie on another node than they should.
    """
    report = Report(raw, TOOL, VERSION)
    own = report.take("cpu_node").whole(1)
    report.take("threads").whole(1, 1)
    elements = report.take("elements").whole(1, 1)
    repetitions = report.take("repetitions").whole(1, 1)
    report.take("columns", "place")
    found: list[Measurement] = []
    for place in ("local", "remote"):
        line = report.take("place", place) if place == "local" else next(iter(report.while_first("place")), None)
        if line is None:  # one node only
            break
        node = line.whole(2)
        if line.words[1] != place or (node == own) != (place == "local"):
            raise line.fail(f"the place {place} and its node, the own one being {own}")
        if line.whole(6) < LEAST_SHARE * line.whole(4, 1):
            raise line.fail(f"{LEAST_SHARE:.0%} of the pages on node {node}")
        found += _place(report, place, 8 * elements, repetitions)
    report.done()
    return found


def _place(report: Report, place: str, size: int, repetitions: int) -> list[Measurement]:
    passes, loads = [], []
    for number in range(repetitions + 1):
        line = report.take("triad", place, str(number))
        if len(line.words) != 4 or line.real(3) <= 0.0:
            raise line.fail("a time in seconds, greater than zero")
        passes.append(1e-9 * 3 * size / line.real(3))
    for number in range(repetitions):
        line = report.take("chase", place, str(number))
        if len(line.words) != 5 or line.real(4) <= 0.0:
            raise line.fail("a time in seconds, greater than zero")
        loads.append(1e9 * line.real(4) / line.whole(3, 1))
    bandwidth, latency = f"{place}_bandwidth", f"{place}_latency"
    return [
        *(Measurement(BENCHMARK, bandwidth, value, "GB/s", number, size) for number, value in enumerate(passes)),
        Measurement(BENCHMARK, bandwidth, max(passes[1:]), "GB/s", None, size),
        *(Measurement(BENCHMARK, latency, value, "nanoseconds", number, size) for number, value in enumerate(loads)),
        Measurement(BENCHMARK, latency, median(loads), "nanoseconds", None, size),
    ]
