"""What vector units add to a matrix product: DGEMM of an OpenBLAS with its kernels for wide vectors and for narrow ones."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from assay.agent.machine import Machine
from assay.agent.tool import ONE, Missing, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._lapack import find_library
from assay.agent.tools._words import lines_of

NAME = "dgemm"
SAYS = "matrix product on one core with the kernels of one OpenBLAS for the widest vectors, for AVX2, and for 128 bits"
OPTIONAL = True

ORDER, REPETITIONS = 768, 3

_KERNELS = (
    ("avx512", "SkylakeX", {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"}),
    ("avx2", "Haswell", {"avx2", "fma"}),
    ("narrow", "Nehalem", {"sse4_2"}),
    ("sve", "NEOVERSEV1", {"sve"}),
    ("narrow", "NEOVERSEN1", {"asimd"}),
)
"""What they are called, OpenBLAS' name of a processor that has them, and the flags that a processor needs to run them; the widest
first. `narrow`: 128 bits, SSE or NEON."""


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """One core; all kernels are one run, one after the other. Raises Missing where there is no choice of kernels."""
    kernels = [(label, core) for label, core, needs in _KERNELS if needs <= machine.flags]
    if len(kernels) < 2:
        raise Missing(
            "no choice of vector widths: this processor has no vectors wider than 128 bits that OpenBLAS has kernels for"
        )
    library = find_library(workshop)
    return [
        Run(
            tool=NAME,
            threads=ONE,
            thread_count=1,
            implementation="assay-dgemm",
            version=library["version"],
            command=(
                *(sys.executable, str(workshop.script("dgemm.py")), "--library", library["path"]),
                *(f"--prefix={library['prefix']}", f"--suffix={library['suffix']}"),
                *("--order", str(ORDER), "--repetitions", str(REPETITIONS)),
                *(word for label, core in kernels for word in ("--core", f"{label}={core}")),
            ),
            size_policy="fixed",
            problem_size=ORDER,
            timeout_s=60 + 6 * seconds,
            details={"library": Path(library["path"]).name, "config": library["config"]},
            gauge=gauge,
        )
    ]


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Products a second, by kernels."""
    found: dict[str, list[float]] = {}
    for words in lines_of(outputs, "time"):
        found.setdefault(f"{words[1]}_gflops", []).append(1 / float(words[3]))
    return {metric: median(rates) for metric, rates in found.items()}
