"""Bandwidth of L1, L2 and L3: the triad of one core over arrays that fit into the level and not into the one before."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from assay.agent.machine import Machine
from assay.agent.tool import ONE, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._words import lines_of

NAME = "cache_bandwidth"
SAYS = "bandwidth of L1, L2 and L3 on one core: a triad over arrays that fit into the level and not into the one before"
OPTIONAL = False

REPETITIONS = 5
LONGEST_MS, SHORTEST_MS = 10, 1
MEMORY_SHARE = 0.2


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """One core; all levels are one run, in turns, so that a change of clock meets all of them."""
    build = workshop.build("cache_bandwidth")
    levels = level_bytes(machine)
    milliseconds = max(SHORTEST_MS, min(LONGEST_MS, int(1000 * seconds / REPETITIONS / 3 / 2)))
    return [
        Run(
            tool=NAME,
            threads=ONE,
            thread_count=1,
            implementation="assay-cache-bandwidth",
            version="1",
            command=(
                str(build.program),
                *(word for level, size in levels.items() for word in (f"--{level}", str(size))),
                *("--repetitions", str(REPETITIONS), "--milliseconds", str(milliseconds)),
                *("--huge", str(int(machine.huge_pages))),
            ),
            size_policy="within-level" if machine.caches_known else "variant-unknown-caches",
            problem_size=max(levels.values()),
            timeout_s=20 + 6 * seconds,
            build=build,
            details={"levels": levels},
            gauge=gauge,
        )
    ]


def level_bytes(machine: Machine) -> dict[str, int]:
    """Bytes of the three arrays together: half of L1, half of L2, and of L3 a quarter, of which a virtual machine rarely has all,
    but always more than twice the level before. A level that has no room for that is left out."""
    wanted = {"l1": (0, machine.l1d_bytes // 2), "l2": (2 * machine.l1d_bytes, machine.l2_bytes // 2)}
    if machine.l3_bytes:
        best = min(max(machine.l3_bytes // 4, 3 * machine.l2_bytes), 3 * machine.l3_bytes // 4)
        wanted["l3"] = (2 * machine.l2_bytes, min(best, int(MEMORY_SHARE * machine.memory_bytes)))
    return {level: size for level, (above, size) in wanted.items() if size > above}


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Passes a second, by level."""
    found: dict[str, list[float]] = {}
    for words in lines_of(outputs, "time"):
        found.setdefault(f"{words[1]}_bandwidth", []).append(int(words[3]) / float(words[4]))
    return {metric: median(rates) for metric, rates in found.items()}
