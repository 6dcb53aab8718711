"""Memory of the own NUMA node against memory of another: bandwidth by all cores of a node, latency by one of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from statistics import median

from assay.agent.machine import Machine
from assay.agent.probe.memory import Node, numa_nodes
from assay.agent.tool import ALL, Missing, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._words import lines_of
from assay.agent.tools.stream import array_bytes

NAME = "numa"
SAYS = "bandwidth and latency of memory on the own NUMA node and on the farthest other one"
OPTIONAL = True

REPETITIONS = 5
LONGEST_MS, SHORTEST_MS = 10, 1
_PARTS = 4  # of the time: two places, each filled and measured


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """All usable cores of one node. Raises Missing where there is no other node with memory."""
    near, far = farthest_pair(numa_nodes(), _usable())
    return [run_for(machine, workshop, seconds, near, far)]


def run_for(machine: Machine, workshop: Workshop, seconds: float, near: Node, far: Node | None) -> Run:
    """The run of the cores of `near` on its own memory and on that of `far`; on its own alone without one."""
    build = workshop.build("numa")
    share = replace(machine, llc_total_bytes=machine.llc_bytes, memory_bytes=machine.memory_bytes // max(1, machine.numa_nodes))
    size, policy = array_bytes(share, seconds / _PARTS)
    milliseconds = max(SHORTEST_MS, min(LONGEST_MS, int(1000 * seconds / REPETITIONS / _PARTS)))
    return Run(
        tool=NAME,
        threads=ALL,
        thread_count=len(near.cpus),
        implementation="assay-numa",
        version="1",
        command=(
            *(str(build.program), "--cpus", ",".join(str(cpu) for cpu in near.cpus), "--local", str(near.number)),
            *(("--remote", str(far.number)) if far else ()),
            *("--elements", str(size // 8), "--line", str(machine.line_bytes)),
            *("--repetitions", str(REPETITIONS), "--milliseconds", str(milliseconds), "--huge", str(int(machine.huge_pages))),
        ),
        size_policy=f"node-{policy}-{'huge' if machine.huge_pages else 'small'}-pages",
        problem_size=size,
        timeout_s=30 + 8 * seconds,
        build=build,
        details={"llc_bytes": machine.llc_bytes, "distance": distance(near, far) if far else None},
        gauge=gauge,
    )


def farthest_pair(nodes: Sequence[Node], usable: Collection[int]) -> tuple[Node, Node]:
    """The first node with cores that may be used, with those alone, and the node with memory that is farthest from it.

    Raises Missing where there are no two.
    """
    with_cores = [replace(node, cpus=tuple(cpu for cpu in node.cpus if cpu in usable)) for node in nodes]
    near = next((node for node in with_cores if node.cpus and node.memory_bytes != 0), None)
    others = [node for node in nodes if near is not None and node.number != near.number and node.memory_bytes != 0]
    if near is None or not others:
        raise Missing(f"not applicable: {len(nodes) or 'no'} NUMA node(s), so there is no remote memory to measure")
    return near, max(others, key=lambda node: (distance(near, node), -node.number))


def distance(near: Node, far: Node) -> int:
    """As the firmware states it, 10 being the own node; 0 where it does not."""
    return near.distances[far.number] if far.number < len(near.distances) else 0


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Passes a second of the best pass but the first, and seconds a load, by place."""
    passes: dict[str, list[float]] = {}
    loads: dict[str, list[float]] = {}
    for words in lines_of(outputs, "triad"):
        passes.setdefault(words[1], []).append(float(words[3]))
    for words in lines_of(outputs, "chase"):
        loads.setdefault(words[1], []).append(float(words[4]) / int(words[3]))
    rates = {f"{place}_bandwidth": 1 / min(times[1:]) for place, times in passes.items()}
    return rates | {f"{place}_latency": median(times) for place, times in loads.items()}


def _usable() -> Collection[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
