"""LU solve with LAPACK in an OpenBLAS: of the system, or inside numpy's or scipy's wheel."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.agent.machine import Machine
from assay.agent.tool import Missing, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._words import lines_of

MEMORY_SHARE = 0.8
ORDER_STEP = 256
LEAST_ORDER = 1024

_GFLOPS_A_CORE = {512: 30.0, 256: 18.0, 128: 9.0}
"""What a core of this vector width does at least in a large solve. The size must not depend on a trial run, which noise would
change; only where the machine is much slower than this does the solver take a smaller order after its warm-up."""

_SOLVE_SHARE = 0.6  # of the time; the rest goes into making the matrix twice and the residual
_FIND_TIMEOUT_S = 60.0
_THREADS_OF_VENDORS = "OMP_NUM_THREADS"  # MKL, AOCL and Arm PL start as many threads as this says


def lapack_runs(machine: Machine, workshop: Workshop, modes: Mapping[str, int], seconds: float) -> list[Run]:
    """A run for each thread mode, each with the order that the time allows it. Raises Missing if there is no library."""
    library = find_library(workshop)
    return [solve_run(machine, workshop, library, (threads, count), seconds) for threads, count in modes.items()]


def order_for(machine: Machine, threads: int, seconds: float) -> tuple[int, str]:
    """The order N of the system and the policy that gave it: the smaller of what 80 % of memory holds and the time allows."""
    rate = 1e9 * threads * _GFLOPS_A_CORE.get(machine.vector_bits, 4.0)
    by_time = (1.5 * rate * seconds * _SOLVE_SHARE) ** (1 / 3)
    by_memory = math.sqrt(MEMORY_SHARE * machine.memory_bytes / 8)
    order = int(min(by_time, by_memory)) // ORDER_STEP * ORDER_STEP
    return max(order, LEAST_ORDER), "memory-80" if by_memory < by_time else f"time-{seconds:g}s"


def solve_run(
    machine: Machine,
    workshop: Workshop,
    library: Mapping[str, str],
    mode: tuple[str, int],
    seconds: float,
    *,
    vendor: bool = False,
) -> Run:
    """One solve with a library, in a thread mode and with so many threads. `vendor`: that of a processor maker, as `hpl_mkl`."""
    threads, count = mode
    order, policy = order_for(machine, count, seconds)
    return Run(
        tool="hpl_mkl" if vendor else "hpl",
        threads=threads,
        thread_count=count,
        implementation="vendor-dgetrf" if vendor else "lapack-dgetrf",
        version=library["version"],
        command=(
            *(sys.executable, str(workshop.script("lapack_solve.py")), "--library", library["path"], "--order", str(order)),
            *("--threads", str(count), "--seconds", f"{seconds * _SOLVE_SHARE:g}", *(("--vendor",) if vendor else ())),
        ),
        environment={_THREADS_OF_VENDORS if vendor else "OPENBLAS_NUM_THREADS": str(count)},
        size_policy=policy,
        problem_size=order,
        timeout_s=30 + 10 * seconds,
        details={"library": Path(library["path"]).name, "config": library["config"], "core": library["core"]},
        conclude=_conclude,
        gauge=gauge,
    )


def find_library(workshop: Workshop) -> Mapping[str, str]:
    """The best OpenBLAS there is: path, version, config, core, and how its symbols are called. Raises Missing."""
    found = _found(workshop)
    if not found:
        raise Missing(
            "no LU solve: neither hpcc with mpirun and an optimized BLAS, nor an OpenBLAS of the system, nor the one in numpy's "
            "or scipy's wheel; install the packages hpcc and libopenblas0, or `pip install numpy`"
        )
    return found[0]


def find_vendor_library(workshop: Workshop) -> Mapping[str, str]:
    """The library of a processor maker, described like an OpenBLAS. Raises Missing where none is installed."""
    found = _found(workshop, "--vendor")
    if not found:
        raise Missing("no vendor library: the loader finds neither MKL, nor AOCL, nor Arm PL, nor are they where they install")
    return found[0]


def _found(workshop: Workshop, *options: str) -> list[Mapping[str, str]]:
    command = [sys.executable, str(workshop.script("lapack_solve.py")), "--find", *options]
    try:
        result = subprocess.run(command, env=workshop.environment(), capture_output=True, timeout=_FIND_TIMEOUT_S, check=True)
        return list(json.loads(result.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise Missing(f"no LU solve: looking for a LAPACK library failed: {error}") from None


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Operations a second."""
    order, seconds = int(lines_of(outputs, "order")[0][1]), float(lines_of(outputs, "seconds")[0][1])
    return {"gflops": (2 / 3 * order**3 + 2 * order**2) / seconds}


def _conclude(outputs: Mapping[str, bytes]) -> Mapping[str, Any]:
    """The order that was solved, and the residual."""
    said = outputs["stdout.txt"].decode("ascii", "replace")
    order = re.search(r"^order (\d+)$", said, re.MULTILINE)
    residual = re.search(r"^scaled_residual (\S+)$", said, re.MULTILINE)
    return {
        **({"problem_size": int(order.group(1))} if order else {}),
        "details": {"scaled_residual": float(residual.group(1))} if residual else {},
    }
