"""Which published document holds which benchmark."""

from __future__ import annotations

from collections.abc import Collection, Mapping

MEMORY = "memory-benchmarks.json"
CPU = "cpu-benchmarks.json"
MICROARCH = "microarch-benchmarks.json"

KNOWN = {
    "stream": MEMORY,
    "stream_cache": MEMORY,
    "numa": MEMORY,
    "bw_mem": MEMORY,
    "membench": MEMORY,
    "hpl": CPU,
    "hpl_mkl": CPU,
    "dgemm": CPU,
    "core_clock": CPU,
    "cache_latency": MICROARCH,
    "vectorization": MICROARCH,
}
"""Benchmarks whose document does not follow from their units."""

REQUIRED: Mapping[str, frozenset[str]] = {
    "stream": frozenset({"triad_bandwidth", "copy_bandwidth"}),
    "hpl": frozenset({"gflops"}),
    "hpl_mkl": frozenset({"gflops"}),
}
"""Fields that a type needs, each from n >= 3, to stand under `benchmarks` and in rankings: clients read them of every type
there."""

MEMORY_UNITS = frozenset({"GB/s", "MB/s"})


def document_of(benchmark: str, units: Collection[str]) -> str:
    """The document that holds a benchmark's container: memory if all it gives is bandwidth, else cpu."""
    if benchmark in KNOWN:
        return KNOWN[benchmark]
    return MEMORY if units and set(units) <= MEMORY_UNITS else CPU
