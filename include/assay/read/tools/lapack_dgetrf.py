"""Our LAPACK solver's output -> GFLOPS. Format: include/assay/agent/kernels/lapack_solve.py; samples in
tests/data/lapack_dgetrf/.

GFLOPS = (2/3 N^3 + 2 N^2) / t / 10^9, and only if the scaled residual is under 16, as HPL asks.
"""

from __future__ import annotations

from assay.measurement import Execution, Measurement
from assay.read.tools._report import Report

TOOL = "lapack-dgetrf"
BENCHMARK = "hpl"
KERNEL = "assay-lapack-dgetrf"
VERSION = "1"
LARGEST_RESIDUAL = 16.0


def read(raw: str, context: Execution) -> list[Measurement]:
    """`gflops` of the solve, and beside it as a pass the `solve_time` in seconds that it was computed from.

    Raises Unreadable if the report is not whole, the time is zero, or the residual is too large.
    """
    report = Report(raw, KERNEL, VERSION)
    for name in ("library", "version", "config", "core"):
        report.take(name)
    report.take("threads").whole(1, 1)
    report.take("order_asked").whole(1, 1)
    order = report.take("order").whole(1, 1)
    time = report.take("seconds")
    seconds = time.real(1)
    if seconds <= 0.0:
        raise time.fail("a time in seconds, greater than zero")
    residual = report.take("scaled_residual")
    if not residual.real(1) < LARGEST_RESIDUAL:
        raise residual.fail(f"a scaled residual under {LARGEST_RESIDUAL}")
    report.take("residual", "passed")
    report.done()
    return [
        Measurement(BENCHMARK, "solve_time", seconds, "seconds", 0, order),
        Measurement(BENCHMARK, "gflops", 1e-9 * (2 / 3 * order**3 + 2 * order**2) / seconds, "GFLOPS", None, order),
    ]
