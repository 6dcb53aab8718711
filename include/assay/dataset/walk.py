"""Ways through decoded documents: every published quantity, with the type and the metric that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from assay.dataset.place import CPU, MEMORY, MICROARCH


class Found(NamedTuple):
    """A quantity in a document."""

    document: str
    path: tuple[str, ...]
    instance: str
    metric: str
    architecture: str
    family: str
    quantity: Mapping[str, Any]


def quantities(documents: Mapping[str, Any], part: str = "measured") -> Iterator[Found]:
    """The quantities of the core documents, in document order. `part`: `measured` or `provisional`.

    `documents`: decoded, by file name; one that is missing has nothing.
    """
    for name in (MEMORY, CPU):
        top = "benchmarks" if part == "measured" else "provisional"
        for benchmark, container in documents.get(name, {}).get(top, {}).items():
            yield from _in_container(name, (top, benchmark), benchmark, container)
    top = "microarchitecture" if part == "measured" else "provisional"
    for architecture, analyses in documents.get(MICROARCH, {}).get(top, {}).items():
        for analysis, container in analyses.items():
            yield from _in_container(MICROARCH, (top, architecture, analysis), analysis, container)


def instances(documents: Mapping[str, Any]) -> set[str]:
    """Every type that has a value in the core documents, provisional ones included."""
    return {found.instance for part in ("measured", "provisional") for found in quantities(documents, part)}


def _in_container(document: str, path: tuple[str, ...], name: str, container: Mapping[str, Any]) -> Iterator[Found]:
    for instance, entry in container.items():
        for field, quantity in entry.items():
            if isinstance(quantity, Mapping) and "value" in quantity and "unit" in quantity:
                machine = entry.get("metadata", {})
                about = (machine.get("architecture", "other"), machine.get("instance_family", "unknown"))
                yield Found(document, (*path, instance, field), instance, f"{name}.{field}", *about, quantity)
