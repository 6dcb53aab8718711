"""The agent's profile as the flat facts that rules and documents use."""

from __future__ import annotations

from typing import Any

from assay.read.claims import claim
from assay.read.sources.assay_agent.documents import Cache, Profile
from assay.reference import catalogue

HOST_PREFIX = "host-"
HOST_FAMILY = "host"

_VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}
_AMAZON = "Amazon EC2"
_VECTOR_UNITS = ("avx512f", "avx2", "avx", "sse2", "sve2", "sve", "asimd", "neon")
"""Widest first, as the processor's flags name them."""


def describe(profile: Profile | None, subject: str) -> dict[str, Any]:
    """Facts of the machine by name; sizes in bytes, shares in percent. What is not known is absent.

    A host says itself what it is. Of an EC2 type the catalogue says it, and what the machine said of its architecture and
    processor is kept as `claimed_<name>`.
    """
    measured = _facts(profile) if profile is not None else {}
    if subject.startswith(HOST_PREFIX):
        return {"instance_family": HOST_FAMILY, "architecture": "other", **measured}
    known = catalogue.facts(subject)
    claims = {f"claimed_{name}": measured.pop(name) for name in ("architecture", "processor") if name in measured}
    return {**measured, **known, **claims, "instance_type_known": bool(known)}


def _facts(profile: Profile) -> dict[str, Any]:
    cpu, memory, kernel, around = profile.cpu, profile.memory, profile.kernel, profile.virtualization
    facts: dict[str, Any] = {
        "architecture": _architecture(profile),
        "processor": cpu.model_name,
        "cpu_family": cpu.family,
        "cpu_model": cpu.model,
        "microcode": cpu.microcode,
        "cpu_flags": sorted(cpu.flags),
        "vector_unit": next((unit for unit in _VECTOR_UNITS if unit in cpu.flags), None),
        "vector_bits": cpu.vector_bits,
        "vcpus": cpu.logical_cpus,
        "usable_cpus": cpu.usable_cpus,
        "physical_cores": cpu.physical_cores,
        "sockets": cpu.sockets,
        "threads_per_core": cpu.threads_per_core,
        **_caches(profile.caches),
        "max_clock_khz": profile.clock.max_khz,
        "governor": profile.clock.governor,
        "memory_bytes": memory.total_bytes,
        "memory_type": memory.type,
        "memory_speed_mt_s": memory.speed_mt_s,
        "huge_pages": memory.transparent_huge_pages,
        "numa_nodes": profile.numa.nodes,
        "kernel": " ".join(part for part in (kernel.system, kernel.release) if part),
        "distribution": " ".join(part for part in (kernel.distribution, kernel.distribution_version) if part),
        "libc": kernel.libc,
        "virtualization": around.hypervisor or ("unknown hypervisor" if around.virtual else "none"),
        "container": around.container,
        "load_1m": profile.load.average_1m,
        "busy_percent": profile.load.busy_percent,
        "steal_percent": profile.load.steal_percent,
    }
    return {
        name: claim(value) if isinstance(value, str) else value for name, value in facts.items() if value not in (None, "", [])
    }


def _architecture(profile: Profile) -> str:
    if profile.cpu.architecture == "aarch64":
        return "graviton" if profile.virtualization.vendor == _AMAZON else "other"
    return _VENDORS.get(profile.cpu.vendor or "", "other")


def _caches(caches: tuple[Cache, ...]) -> dict[str, int]:
    """Bytes of one cache of each level, and of all last-level caches together."""
    data = [cache for cache in caches if cache.type != "instruction"]
    if not data:
        return {}
    last = max(cache.level for cache in data)
    facts = {("l1d_bytes" if level == 1 else f"l{level}_bytes"): size for level, size in sorted(_largest(data).items())}
    total = sum(cache.bytes * cache.instances for cache in data if cache.level == last)
    return {**facts, "llc_total_bytes": total} if total < 2**62 else facts


def _largest(caches: list[Cache]) -> dict[int, int]:
    return {level: max(cache.bytes for cache in caches if cache.level == level) for level in {cache.level for cache in caches}}
