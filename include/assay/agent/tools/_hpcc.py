"""LU solve with HPC Challenge, whose HPL is the reference program for it."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.agent.machine import Machine
from assay.agent.tool import Missing, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._hpl_input import BLOCK, hpcc_input

MEMORY_SHARE = 0.8
LEAST_ORDER = 4 * BLOCK

_REFERENCE = (4032, 8.0)
"""All subtests together take about 8 s at N = 4032; they grow about as N squared, and none of them can be left out."""

_LINK_TIMEOUT_S = 20.0
_BLAS = re.compile(r"^\s*(lib(?:openblas|blas|mkl|blis|armpl)\S*) => (\S+)", re.MULTILINE)


def hpcc_runs(machine: Machine, workshop: Workshop, modes: Mapping[str, int], seconds: float) -> list[Run]:
    """A run for each thread mode: one MPI process a core, one thread each. Raises Missing if it is not there or of no use."""
    mpirun, hpcc = shutil.which("mpirun"), shutil.which("hpcc")
    if mpirun is None or hpcc is None:
        raise Missing("no hpcc with mpirun on PATH")
    blas = linked_blas(hpcc, workshop)
    if blas.startswith("reference"):
        raise Missing(f"hpcc is linked with the {blas}, so it would measure that; install the package libopenblas0")
    return [_run(machine, threads, count, seconds, (mpirun, hpcc, blas)) for threads, count in modes.items()]


def linked_blas(program: str, workshop: Workshop) -> str:
    """Name and version of the BLAS that a program is linked with, such as `OpenBLAS 0.3.21`, by the names of its libraries."""
    try:
        result = subprocess.run(
            ["ldd", program], env=workshop.environment(), capture_output=True, timeout=_LINK_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown BLAS"
    return name_blas({name: str(Path(path).resolve()) for name, path in _BLAS.findall(result.stdout.decode("utf-8", "replace"))})


def name_blas(libraries: Mapping[str, str]) -> str:
    """The BLAS behind these libraries, from name to resolved path."""
    for path in libraries.values():
        openblas = re.search(r"/libopenblas\w*-r(\d[\d.]*\d)", path)
        if openblas:
            return f"OpenBLAS {openblas.group(1)}"
    for path in libraries.values():
        reference = re.search(r"/blas/libblas\.so\.(\d[\d.]*\d)", path)
        if reference:
            return f"reference BLAS {reference.group(1)}"
    return "unknown BLAS"


def order_for(machine: Machine, seconds: float) -> tuple[int, str]:
    """The order N, whole blocks, and the policy that gave it: the smaller of what 80 % of memory holds and the time allows."""
    reference, took = _REFERENCE
    by_time = reference * math.sqrt(seconds / took)
    by_memory = math.sqrt(MEMORY_SHARE * machine.memory_bytes / 8)
    order = int(min(by_time, by_memory)) // BLOCK * BLOCK
    return max(order, LEAST_ORDER), "memory-80" if by_memory < by_time else f"hpcc-time-{seconds:g}s"


def _run(machine: Machine, threads: str, count: int, seconds: float, programs: tuple[str, str, str]) -> Run:
    mpirun, hpcc, blas = programs
    order, policy = order_for(machine, seconds)
    return Run(
        tool="hpl",
        threads=threads,
        thread_count=count,
        implementation="hpcc",
        version=f"unknown with {blas}",
        command=(mpirun, "--bind-to", "core", "--oversubscribe", "-np", str(count), hpcc),
        environment={"OPENBLAS_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
        size_policy=policy,
        problem_size=order,
        timeout_s=120 + 40 * seconds,
        inputs={"hpccinf.txt": hpcc_input(order, count)},
        outputs=("hpccoutf.txt",),
        details={"blas": blas, "llc_bytes": machine.llc_total_bytes},
        conclude=lambda outputs: _conclude(outputs, blas),
        gauge=gauge,
        foreign=True,
    )


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Tflops of HPL."""
    found = re.search(rb"^HPL_Tflops=(\S+)$", outputs["hpccoutf.txt"], re.MULTILINE)
    return {"gflops": float(found.group(1))} if found else {}


def _conclude(outputs: Mapping[str, bytes], blas: str) -> Mapping[str, Any]:
    """The version of hpcc as it states it."""
    said = outputs.get("hpccoutf.txt", b"").decode("ascii", "replace")
    version = re.search(r"HPC Challenge Benchmark version (\d[\w.]*)", said)
    return {"version": f"{version.group(1)} with {blas}"} if version else {}
