"""Where many quantities of an entry rest on the same many sessions, only the entry lists them all.

A list of a year's sessions beside each of forty metrics would be most of a document. A quantity with fewer `sources` than
`sessions` rests on all the `sources` of its entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.dataset.place import CPU, MEMORY, MICROARCH

MANY, NEWEST = 20, 5
"""A quantity that rests on more sessions than the first names only its newest, if its entry rests on the same."""


def share_sources(core: Mapping[str, Mapping[str, Any]]) -> None:
    """Shorten the lists of sources in the entries of the decoded core documents, in place."""
    for entry in _entries(core):
        every = entry.get("sources", [])
        for name, quantity in entry.items():
            if len(every) > MANY and isinstance(quantity, Mapping) and quantity.get("sources") == every:
                entry[name] = {**quantity, "sources": every[-NEWEST:]}


def _entries(core: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    containers = [container for name in (MEMORY, CPU) for part in _PARTS for container in core[name][part].values()]
    for part in ("microarchitecture", "provisional"):
        containers += [container for analyses in core[MICROARCH][part].values() for container in analyses.values()]
    for container in containers:
        yield from container.values()


_PARTS = ("benchmarks", "provisional")
