"""LU solve under the HPL rules: HPC Challenge's HPL where it is of use, else LAPACK through the best OpenBLAS there is."""

from __future__ import annotations

from assay.agent.machine import Machine
from assay.agent.tool import ALL, ONE, Missing, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._hpcc import hpcc_runs
from assay.agent.tools._lapack import lapack_runs

NAME = "hpl"
SAYS = "LU solve under the HPL rules, on all cores and on one: hpcc where it is installed, else LAPACK in an OpenBLAS"
OPTIONAL = False


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """All cores and one core."""
    modes = {ALL: machine.cpus, ONE: 1}
    try:
        return hpcc_runs(machine, workshop, modes, seconds)
    except Missing:
        return lapack_runs(machine, workshop, modes, seconds)
