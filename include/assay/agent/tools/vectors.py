"""What vector units add to one core: bandwidth of a triad in the L1 cache, with vectors and one number at a time."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from assay.agent.machine import Machine
from assay.agent.tool import ONE, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._words import lines_of

NAME = "vectors"
SAYS = "bandwidth of a triad within the L1 cache of one core, with the widest vectors of the build and one number at a time"
OPTIONAL = False

REPETITIONS = 7
LONGEST_MS, SHORTEST_MS = 20, 2
ARRAYS = 3
BYTES_A_NUMBER = 8
L1_SHARE = 0.5
"""Of the L1 cache that the arrays fill together: with more, what else a core touches pushes them out."""


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """One core; both kernels are one run, in turns, so that a change of clock meets both."""
    build = workshop.build("vectors")
    elements = max(64, int(L1_SHARE * machine.l1d_bytes) // (ARRAYS * BYTES_A_NUMBER))
    milliseconds = max(SHORTEST_MS, min(LONGEST_MS, int(1000 * seconds / REPETITIONS / 4)))
    return [
        Run(
            tool=NAME,
            threads=ONE,
            thread_count=1,
            implementation="assay-vectors",
            version="1",
            command=(
                str(build.program),
                *("--elements", str(elements), "--repetitions", str(REPETITIONS), "--milliseconds", str(milliseconds)),
            ),
            size_policy="half-l1" if machine.caches_known else "variant-unknown-l1",
            problem_size=elements * BYTES_A_NUMBER,
            timeout_s=20 + 6 * seconds,
            build=build,
            gauge=gauge,
        )
    ]


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Passes a second with vectors and without."""
    found: dict[str, list[float]] = {}
    for words in lines_of(outputs, "time"):
        found.setdefault(f"{words[2]}_bandwidth", []).append(int(words[3]) / float(words[4]))
    return {metric: median(rates) for metric, rates in found.items()}
