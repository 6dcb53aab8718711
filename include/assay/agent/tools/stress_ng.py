"""Cross-check of latency with stress-ng's pointer chase, where it is installed; also what is left where there is no compiler.

Each level is a run of its own, because stress-ng does not print the working set that it was given. Its smallest is 64 pages, so
there is no L1.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping

from assay.agent.machine import Machine
from assay.agent.tool import ONE, Missing, Run
from assay.agent.toolchain import Workshop

NAME = "stress_ng"
SAYS = "cross-check of L2, L3 and memory latency with stress-ng's pointer chase"
OPTIONAL = True

PAGE = 4096
LEAST_PAGES, MOST_PAGES = 64, 256 << 10
LONGEST_S = 1

_PROBE_TIMEOUT_S = 20.0


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """One run for each level that has a working set of 64 pages or more."""
    program = shutil.which("stress-ng")
    if program is None:
        raise Missing("no stress-ng on PATH; install the package stress-ng")
    if "--ptr-chase-pages" not in _said(program, "--help", workshop):
        raise Missing("this stress-ng has no pointer chase; version 0.18 or later has")
    version = re.search(r"version (\d[\w.]*)", _said(program, "--version", workshop))
    wanted = {"l2": machine.l2_bytes // 2, "dram": 4 * machine.llc_bytes}
    if machine.l3_bytes:
        wanted["l3"] = machine.l3_bytes // 4
    return [
        Run(
            tool=f"{NAME}_{level}",
            threads=ONE,
            thread_count=1,
            implementation="stress-ng",
            version=version.group(1) if version else "unknown",
            command=(
                program,
                *("--ptr-chase", "1", "--ptr-chase-pages", str(size // PAGE)),
                *("-t", str(max(1, min(LONGEST_S, int(seconds)))), "--metrics"),
            ),
            size_policy=f"ptr-chase-{level}",
            problem_size=size // PAGE * PAGE,
            timeout_s=20 + 6 * seconds,
            details={"level": level},
            gauge=gauge,
            foreign=True,
        )
        for level, size in sorted(wanted.items())
        if LEAST_PAGES <= size // PAGE <= MOST_PAGES and size <= machine.memory_bytes // 5
    ]


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Nanoseconds a pointer."""
    found = re.search(rb"([\d.]+) nanosec per pointer", outputs["stdout.txt"])
    return {"latency": float(found.group(1))} if found else {}


def _said(program: str, question: str, workshop: Workshop) -> str:
    try:
        result = subprocess.run(
            [program, question], env=workshop.environment(), capture_output=True, timeout=_PROBE_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Missing(f"stress-ng does not answer to {question}: {error}") from None
    return result.stdout.decode("utf-8", "replace")
