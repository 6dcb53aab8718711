"""Which figures of a table of mixed prices are on-demand prices of shared machines.

The public table of Apache Libcloud keeps one figure a type and region, and which offer it is of is left to chance: shared
tenancy, dedicated tenancy (6 to 10 % dearer) or a reservation at zero. Beside Amazon's own prices of us-east-1, 591 of its
figures are right, 121 are those of dedicated tenancy and 131 are zero. But within a family and region the on-demand price is
proportional to size, so that the right figures confirm each other: they share the lowest price per vCPU.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.reference.catalogue import InstanceType

SIZES = 3
"""Sizes that must have the same price per vCPU (or per byte of memory) to confirm each other."""

TOLERANCE = 0.005
"""Relative. Prices are rounded to four digits: c7g.medium is 0.14 % above half of c7g.large."""


def confirmed(figures: Mapping[str, float], types: Mapping[str, InstanceType]) -> dict[str, float]:
    """Those of one family's figures in one region (USD an hour, by type) that confirm each other.

    Bare metal is left out: some is sold with a surcharge, so that proportion proves nothing. By memory where sizes share their
    number of vCPUs, as in the burstable families. Empty where fewer than SIZES sizes share the lowest rate.
    """
    usable = {name: figure for name, figure in figures.items() if figure > 0 and name in types and not types[name].bare_metal}
    for size in ("vcpus", "memory_bytes"):
        rates = {name: figure / getattr(types[name], size) for name, figure in usable.items()}
        lowest = _lowest(rates)
        if len({getattr(types[name], size) for name in lowest}) >= SIZES:
            return {name: usable[name] for name in sorted(lowest)}
    return {}


def _lowest(rates: Mapping[str, float]) -> set[str]:
    if not rates:
        return set()
    floor = min(rates.values())
    return {name for name, rate in rates.items() if rate <= floor * (1 + TOLERANCE)}
