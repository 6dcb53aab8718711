"""The clock that the cores sustain, by a chain of dependent additions: what cycles and theoretical peaks are computed with."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean, median

from assay.agent.machine import Machine
from assay.agent.tool import ALL, ONE, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._words import lines_of

NAME = "core_clock"
SAYS = "the clock that the cores sustain, measured with a chain of dependent additions, on all cores at once and on one"
OPTIONAL = False

REPETITIONS = 5
LONGEST_MS, SHORTEST_MS = 40, 5


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """All cores at once, because a processor lowers its clock when all of them work, and one core."""
    build = workshop.build("core_clock")
    milliseconds = max(SHORTEST_MS, min(LONGEST_MS, int(1000 * seconds / REPETITIONS / 2)))
    return [
        Run(
            tool=NAME,
            threads=threads,
            thread_count=count,
            implementation="assay-core-clock",
            version="1",
            command=(
                str(build.program),
                *("--threads", str(count), "--repetitions", str(REPETITIONS), "--milliseconds", str(milliseconds)),
            ),
            size_policy="fixed",
            problem_size=None,
            timeout_s=20 + 6 * seconds,
            build=build,
            gauge=gauge,
        )
        for threads, count in ((ALL, machine.cpus), (ONE, 1))
    ]


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Additions a second: median over the repetitions of the mean over the threads."""
    repetitions: dict[str, list[float]] = {}
    for words in lines_of(outputs, "clock"):
        repetitions.setdefault(words[1], []).append(int(words[3]) / float(words[4]))
    return {"sustained_clock": median(fmean(each) for each in repetitions.values())}
