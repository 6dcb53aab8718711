"""Our LAPACK solver's output with the library of a processor maker -> GFLOPS. A sample in tests/data/vendor_dgetrf/.

One name for MKL, AOCL and Arm PL, because no machine runs all of them: the version says which it was.
"""

from __future__ import annotations

from assay.measurement import Execution, Measurement
from assay.read.tools._solve import read_solve

TOOL = "vendor-dgetrf"
BENCHMARK = "hpl_mkl"
VENDORS = ("MKL", "AOCL", "Arm PL")


def read(raw: str, context: Execution) -> list[Measurement]:
    """`gflops` and `solve_time`. Raises Unreadable as `read_solve`."""
    return read_solve(raw, BENCHMARK, VENDORS)
