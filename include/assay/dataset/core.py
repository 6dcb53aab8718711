"""What the memory and the cpu document are made of alike: containers, provisional ones, variants, configurations and rankings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from assay.dataset.entries import Container, Workbench
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.rankings import plain_ranks

Containers: TypeAlias = dict[str, Container]


def gather(workbench: Workbench, benchmarks: list[str], always: Iterable[str]) -> tuple[Containers, Containers]:
    """(measured, provisional) containers of these benchmarks. `always`: those that exist even if empty."""
    measured: Containers = {name: {} for name in always}
    provisional: Containers = {name: {} for name in always}
    for benchmark in benchmarks:
        for containers, container in zip((measured, provisional), workbench.containers(benchmark), strict=True):
            if container:
                containers[benchmark] = container
    return measured, provisional


def core_document(
    workbench: Workbench,
    benchmarks: list[str],
    measured: Containers,
    provisional: Containers,
    rankings: Mapping[str, Mapping[str, Any]],
    document: str,
) -> dict[str, Any]:
    """The memory or the cpu document from its containers, without its date."""
    subjects = {subject for containers in (measured, provisional) for container in containers.values() for subject in container}
    return {
        "schema_version": SCHEMA_VERSION,
        "total_instances": len(subjects),
        "architectures": sorted({workbench.subjects[subject]["architecture"] for subject in subjects}),
        "benchmarks": measured,
        "provisional": provisional,
        "variants": workbench.variants(benchmarks),
        "configurations": workbench.configurations(benchmarks),
        "rankings": plain_ranks(rankings, document),
    }
