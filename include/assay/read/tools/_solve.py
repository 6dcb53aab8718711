"""The report of our LAPACK solver, whatever library it was given. Format: include/assay/agent/kernels/lapack_solve.py.

GFLOPS = (2/3 N^3 + 2 N^2) / t / 10^9, and only if the scaled residual is under 16, as HPL asks.
"""

from __future__ import annotations

from assay.measurement import Measurement
from assay.read.tools._report import Report

KERNEL = "assay-lapack-dgetrf"
VERSION = "1"
LARGEST_RESIDUAL = 16.0


def read_solve(raw: str, benchmark: str, libraries: tuple[str, ...]) -> list[Measurement]:
    """`gflops` of the solve, and beside it as a pass the `solve_time` in seconds that it was computed from.

    Raises Unreadable if the report is not whole, the library is none of these, the time is zero, or the residual is too large.
    """
    report = Report(raw, KERNEL, VERSION)
    report.take("library")
    version = report.take("version")
    if not " ".join(version.words[1:]).startswith(libraries):
        raise version.fail(f"the version of {' or '.join(libraries)}")
    for name in ("config", "core"):
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
        Measurement(benchmark, "solve_time", seconds, "seconds", 0, order),
        Measurement(benchmark, "gflops", 1e-9 * (2 / 3 * order**3 + 2 * order**2) / seconds, "GFLOPS", None, order),
    ]
