"""What tools need to know of the machine to choose their sizes, taken from its profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ASSUMED_CACHE_BYTES = {1: 32 << 10, 2: 1 << 20, 3: 32 << 20}
ASSUMED_MEMORY_BYTES = 2 << 30


@dataclass(frozen=True)
class Machine:
    """Cores, caches and memory. Bytes throughout."""

    cpus: int
    l1d_bytes: int
    l2_bytes: int
    l3_bytes: int | None
    llc_total_bytes: int
    """All last-level caches together."""
    line_bytes: int
    memory_bytes: int
    """What may be used now: available, and not more than the control group's limit."""
    numa_nodes: int
    huge_pages: bool
    """Whether a program gets transparent huge pages when it asks for them."""
    vector_bits: int
    architecture: str
    caches_known: bool
    flags: frozenset[str] = frozenset()
    """As the processor names what it can do."""

    @property
    def llc_bytes(self) -> int:
        """One last-level cache."""
        return self.l3_bytes or self.l2_bytes

    @classmethod
    def of(cls, profile: Mapping[str, Any]) -> Machine:
        """From a profile; what it does not tell is assumed, and `caches_known` says so."""
        caches = [cache for cache in profile.get("caches", []) if cache["type"] != "instruction"]
        largest = {cache["level"]: cache for cache in sorted(caches, key=lambda cache: (cache["level"], cache["bytes"]))}
        sizes = {level: cache["bytes"] for level, cache in largest.items()}
        last = max(largest, default=0)
        known = last >= 2
        memory, cpu = profile.get("memory", {}), profile.get("cpu", {})
        available = memory.get("available_bytes", ASSUMED_MEMORY_BYTES)
        total = sum(cache["bytes"] * cache.get("instances", 1) for cache in caches if cache["level"] == last)
        return cls(
            cpus=int(cpu.get("usable_cpus", 1)),
            l1d_bytes=sizes.get(1, ASSUMED_CACHE_BYTES[1]),
            l2_bytes=sizes.get(2, ASSUMED_CACHE_BYTES[2]),
            l3_bytes=sizes.get(3) if known else ASSUMED_CACHE_BYTES[3],
            llc_total_bytes=total if known else ASSUMED_CACHE_BYTES[3],
            line_bytes=largest.get(1, {}).get("line_bytes", 64),
            memory_bytes=min(available, memory.get("limit_bytes", available)),
            numa_nodes=int(profile.get("numa", {}).get("nodes", 1)),
            huge_pages=memory.get("transparent_huge_pages") in ("always", "madvise"),
            vector_bits=int(cpu.get("vector_bits", 64)),
            architecture=str(cpu.get("architecture", "")),
            caches_known=known,
            flags=frozenset(cpu.get("flags", ())),
        )
