"""Memory latency by working set with our own pointer chase."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from assay.agent.machine import Machine
from assay.agent.tool import ONE, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._words import lines_of

NAME = "latency"
SAYS = "latency of L1, L2, L3 and memory: a pointer chase over working sets from half of L1 to several times the last-level cache"
OPTIONAL = False

CACHE_RATIO = 4
MEMORY_SHARE = 0.2
SIZES_PER_DOUBLING = 2
REPETITIONS = 5
LONGEST_MS, SHORTEST_MS = 10.0, 1.0

MEMORY_LEVEL = 2  # times the last-level cache: from here on most loads come from memory

_BYTES_A_SECOND = 400 << 20  # the whole sweep up to a largest working set takes about this long


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """One core; the whole sweep is one run."""
    build = workshop.build("latency")
    sizes, policy = working_sets(machine, seconds)
    levels = level_sizes(machine, sizes)
    milliseconds = max(SHORTEST_MS, min(LONGEST_MS, 1000 * seconds / 2 / len(sizes) / REPETITIONS))
    return [
        Run(
            tool=NAME,
            threads=ONE,
            thread_count=1,
            implementation="assay-latency",
            version="2",
            command=(
                str(build.program),
                *("--sizes", ",".join(str(size) for size in sizes), "--line", str(machine.line_bytes)),
                *("--repetitions", str(REPETITIONS), "--milliseconds", str(int(milliseconds))),
                *("--huge", str(int(machine.huge_pages))),
                *(word for level, size in levels.items() for word in (f"--{level}", str(size))),
            ),
            size_policy=f"{policy}-{'huge' if machine.huge_pages else 'small'}-pages",
            problem_size=sizes[-1],
            timeout_s=20 + 6 * seconds,
            build=build,
            details={"llc_bytes": machine.llc_bytes, "caches_known": machine.caches_known},
            conclude=conclude,
            gauge=gauge,
        )
    ]


def conclude(outputs: Mapping[str, bytes]) -> Mapping[str, Any]:
    """How much of the memory really lay in huge pages."""
    try:
        huge, memory = (int(lines_of(outputs, name)[0][1]) for name in ("huge_bytes", "memory_bytes"))
        return {"details": {"huge_share": round(huge / memory, 3)}}
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Seconds a load, for each level."""
    found: dict[str, list[float]] = {}
    for words in lines_of(outputs, "chase"):
        found.setdefault(words[1], []).append(float(words[4]) / int(words[3]))
    return {f"{words[1]}_latency": median(found[words[2]]) for words in lines_of(outputs, "level")}


def working_sets(machine: Machine, seconds: float) -> tuple[list[int], str]:
    """Rising working sets from half of L1 to 4 x one last-level cache, two for each doubling, and the policy that gave them.

    The largest is limited by a fifth of memory and by the time there is, but time does not cut what the memory level needs; the
    policy of a limited sweep begins with `variant`.
    """
    smallest = max(machine.l1d_bytes // 2, 4 * machine.line_bytes)
    rule = CACHE_RATIO * machine.llc_bytes
    limits = {"memory": int(MEMORY_SHARE * machine.memory_bytes), "time": int(seconds * _BYTES_A_SECOND)}
    reason, limit = min(limits.items(), key=lambda entry: entry[1])
    needed = min(MEMORY_LEVEL * machine.llc_bytes, limits["memory"])
    largest = max(min(rule, limit), needed, 2 * smallest)
    sizes: list[int] = []
    step = 0
    while (size := smallest * 2 ** (step / SIZES_PER_DOUBLING)) < largest * 0.9:
        sizes.append(_whole_lines(size, machine.line_bytes))
        step += 1
    sizes.append(_whole_lines(largest, machine.line_bytes))
    policy = f"sweep-{CACHE_RATIO}x-llc"
    if rule > limit:
        policy = f"variant-{reason}"
    elif not machine.caches_known:
        policy = "variant-unknown-llc"
    return sizes, policy


def level_sizes(machine: Machine, sizes: list[int]) -> dict[str, int]:
    """The working set that stands for each level: half of L1, half of L2, a quarter of L3, of which a virtual machine rarely has
    all, and the largest for memory if it is at least twice the last-level cache. A level that no size fits into is left out."""
    wanted = {"l1": (0, machine.l1d_bytes // 2), "l2": (2 * machine.l1d_bytes, machine.l2_bytes // 2)}
    if machine.l3_bytes:
        wanted["l3"] = (2 * machine.l2_bytes, min(max(machine.l3_bytes // 4, 3 * machine.l2_bytes), 3 * machine.l3_bytes // 4))
    levels: dict[str, int] = {}
    for level, (above, best) in wanted.items():
        fitting = [size for size in sizes if above < size <= best]
        if fitting:
            levels[level] = fitting[-1]
    if sizes[-1] >= MEMORY_LEVEL * machine.llc_bytes - machine.line_bytes:
        levels["dram"] = sizes[-1]
    return levels


def _whole_lines(size: float, line: int) -> int:
    return int(size) // line * line
