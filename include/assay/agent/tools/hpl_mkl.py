"""LU solve under the HPL rules with the library of a processor maker, where one is installed: MKL, AOCL or Arm PL."""

from __future__ import annotations

from assay.agent.machine import Machine
from assay.agent.tool import ALL, ONE, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._lapack import find_vendor_library, solve_run

NAME = "hpl_mkl"
SAYS = "LU solve under the HPL rules with MKL, AOCL or Arm PL, on all cores and on one, where one of them is installed"
OPTIONAL = True


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """All cores and one core, with the orders that the same solve with an OpenBLAS has. Raises Missing."""
    library = find_vendor_library(workshop)
    modes = ((ALL, machine.cpus), (ONE, 1))
    return [solve_run(machine, workshop, library, mode, seconds, vendor=True) for mode in modes]
