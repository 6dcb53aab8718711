"""Memory bandwidth with our own kernel under the run rules of STREAM 5.10.

Huge pages are asked for where the system gives them to whoever asks: with small ones a part of what is measured is address
translation, and whether a program gets huge ones unasked differs from one distribution to the next.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.agent.machine import Machine
from assay.agent.tool import ALL, ONE, Run
from assay.agent.toolchain import Workshop
from assay.agent.tools._words import lines_of

NAME = "stream"
SAYS = "memory bandwidth: copy, scale, add and triad under the STREAM rules, on all cores and on one"
OPTIONAL = False

CACHE_RATIO = 4
MEMORY_SHARE = 0.2
ITERATIONS = 20
LEAST_ARRAY_BYTES = 8 << 20

_ARRAYS_MOVED = 10  # copy 2, scale 2, add 3, triad 3: what one pass over the four kernels moves, in arrays
_PASSES_WANTED = 5
_SLOWEST = 6e9  # bytes per second: on a slower machine the kernel's own time limit ends the passes early
_PAGE = 4096


def plan(machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
    """All cores and one core over arrays of the same size."""
    build = workshop.build("stream")
    bytes_each, policy = array_bytes(machine, seconds)
    elements = bytes_each // 8
    pin = machine.numa_nodes > 1
    return [
        Run(
            tool=NAME,
            threads=threads,
            thread_count=count,
            implementation="assay-stream",
            version="1",
            command=(
                str(build.program),
                *("--elements", str(elements), "--threads", str(count), "--iterations", str(ITERATIONS)),
                *("--milliseconds", str(int(1000 * seconds)), "--pin", str(int(pin))),
                *("--huge", str(int(machine.huge_pages))),
            ),
            size_policy=f"{policy}-{'huge' if machine.huge_pages else 'small'}-pages",
            problem_size=bytes_each,
            timeout_s=20 + 6 * seconds,
            build=build,
            details={
                "llc_bytes": machine.llc_total_bytes,
                "array_to_llc_ratio": round(bytes_each / machine.llc_total_bytes, 3),
                "caches_known": machine.caches_known,
            },
            gauge=gauge,
        )
        for threads, count in ((ALL, machine.cpus), (ONE, 1))
    ]


def gauge(outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """Passes a second of copy and triad: the best, the first not counted."""
    times = [[float(word) for word in words[2:]] for words in lines_of(outputs, "pass")[1:]]
    return {"copy_bandwidth": 1 / min(each[0] for each in times), "triad_bandwidth": 1 / min(each[3] for each in times)}


def array_bytes(machine: Machine, seconds: float) -> tuple[int, str]:
    """Bytes of one array and the policy that gave them: the smallest of 4 x all last-level caches (the STREAM rule), 20 % of
    memory and what the time allows. Under 4 x, or where the caches are only assumed, the policy's name begins with `variant`."""
    rule = max(CACHE_RATIO * machine.llc_total_bytes, LEAST_ARRAY_BYTES)
    limits = {
        "memory": int(MEMORY_SHARE * machine.memory_bytes),
        "time": int(seconds * _SLOWEST / _ARRAYS_MOVED / _PASSES_WANTED),
    }
    reason, limit = min(limits.items(), key=lambda entry: entry[1])
    if rule <= limit:
        return _whole_pages(rule), f"{CACHE_RATIO}x-llc" if machine.caches_known else "variant-unknown-llc"
    return _whole_pages(max(limit, LEAST_ARRAY_BYTES)), f"variant-{reason}"


def _whole_pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE
