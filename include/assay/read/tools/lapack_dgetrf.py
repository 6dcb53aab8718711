"""Our LAPACK solver's output with an OpenBLAS -> GFLOPS. Samples in tests/data/lapack_dgetrf/."""

from __future__ import annotations

from assay.measurement import Execution, Measurement
from assay.read.tools._solve import read_solve

TOOL = "lapack-dgetrf"
BENCHMARK = "hpl"


def read(raw: str, context: Execution) -> list[Measurement]:
    """`gflops` and `solve_time`. Raises Unreadable as `read_solve`."""
    return read_solve(raw, BENCHMARK, ("OpenBLAS",))
