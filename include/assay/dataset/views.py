"""Views: the core documents, filtered by architecture, purpose of the family, or benchmark; same shapes, same numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from assay.dataset.microarch import ANALYSES
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.place import CPU, MEMORY, MICROARCH
from assay.reference.names import parse_family

CONTAINERS = ("stream", "stream_cache", "hpl", "hpl_mkl")
NUMA = "numa-performance.json"


@dataclass(frozen=True)
class View:
    """What a view shows: its published filter, which types pass (by their metadata), and which benchmarks (all, if None)."""

    filter: Mapping[str, Any]
    passes: Callable[[Mapping[str, Any]], bool]
    benchmarks: Collection[str] | None = None


def _architecture(name: str) -> View:
    return View({"architecture": name}, lambda machine: machine["architecture"] == name)


def _purpose(*series: str) -> View:
    # The letters before the generation say what EC2 made a family for.
    return View({"series": list(series)}, lambda machine: parse_family(machine["instance_family"])[0] in series)


def _benchmarks(*names: str) -> View:
    return View({"benchmark": list(names)}, lambda machine: True, names)


VIEWS: Mapping[str, View] = {
    "intel-instances.json": _architecture("intel"),
    "amd-instances.json": _architecture("amd"),
    "graviton-instances.json": _architecture("graviton"),
    "compute-optimized.json": _purpose("c"),
    "memory-optimized.json": _purpose("r", "x"),
    "general-purpose.json": _purpose("m", "t"),
    "stream-results.json": _benchmarks("stream", "stream_cache"),
    "hpl-results.json": _benchmarks("hpl", "hpl_mkl"),
    "avx512-analysis.json": _benchmarks("vectorization"),
}


def view_documents(core: Mapping[str, Any], machines: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every view and the NUMA document, without dates, from the decoded core documents and every type's published metadata."""
    return {name: view_document(core, view, machines) for name, view in VIEWS.items()} | {NUMA: numa_document(core)}


def view_document(core: Mapping[str, Any], view: View, machines: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One view of the decoded core documents."""
    memory, cpu, microarch = core[MEMORY], core[CPU], core[MICROARCH]
    benchmarks, provisional = (
        {name: {} for name in CONTAINERS} | _filtered({**memory[part], **cpu[part]}, view)
        for part in ("benchmarks", "provisional")
    )
    analyses, few = (_by_architecture(microarch[part], view) for part in ("microarchitecture", "provisional"))
    variants = _variants({**memory["variants"], **cpu["variants"], **microarch["variants"]}, view, machines)
    parts = {
        "benchmarks": benchmarks,
        "provisional": provisional,
        "microarchitecture": analyses,
        "provisional_microarchitecture": few,
        "variants": variants,
    }
    configurations = {**memory["configurations"], **cpu["configurations"], **microarch["configurations"]}
    return {
        "schema_version": SCHEMA_VERSION,
        "filter": dict(view.filter),
        **parts,
        "configurations": _used(parts, configurations),
    }


def numa_document(core: Mapping[str, Any]) -> dict[str, Any]:
    """numa-performance.json: what was measured of local and remote memory."""
    memory = core[MEMORY]
    numa: dict[str, Any] = {}
    for part in ("provisional", "benchmarks"):
        for instance, entry in memory[part].get("numa", {}).items():
            nodes = entry["metadata"].get("numa_nodes")
            numa[instance] = {**numa.get(instance, {}), **entry, **({"nodes": nodes} if nodes else {})}
    return {
        "schema_version": SCHEMA_VERSION,
        "numa": numa,
        "configurations": _used(numa, memory["configurations"]),
    }


def _filtered(containers: Mapping[str, Mapping[str, Any]], view: View) -> dict[str, Any]:
    found = {}
    for benchmark, container in containers.items():
        if view.benchmarks is None or benchmark in view.benchmarks:
            kept = {instance: entry for instance, entry in container.items() if view.passes(entry["metadata"])}
            if kept:
                found[benchmark] = kept
    return found


def _by_architecture(containers: Mapping[str, Mapping[str, Any]], view: View) -> dict[str, Any]:
    names = None if view.benchmarks is None else {ANALYSES.get(name, name) for name in view.benchmarks}
    within = View(view.filter, view.passes, names)
    kept = {architecture: _filtered(analyses, within) for architecture, analyses in containers.items()}
    return {architecture: analyses for architecture, analyses in kept.items() if analyses}


def _variants(
    variants: Mapping[str, Mapping[str, Any]], view: View, machines: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for benchmark, by_configuration in variants.items():
        if view.benchmarks is not None and benchmark not in view.benchmarks:
            continue
        for configuration, variant in by_configuration.items():
            kept = {name: fields for name, fields in variant["instances"].items() if view.passes(machines[name])}
            if kept:
                found.setdefault(benchmark, {})[configuration] = {**variant, "instances": kept}
    return found


def _used(part: Any, configurations: Mapping[str, Any]) -> dict[str, Any]:
    names: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, Mapping):
            if isinstance(value.get("configuration"), str):
                names.add(value["configuration"])
            else:
                for below in value.values():
                    collect(below)

    collect(part)
    return {name: configurations[name] for name in sorted(names) if name in configurations}
