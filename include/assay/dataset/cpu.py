"""cpu-benchmarks.json: LU solve with its efficiency, vendor libraries, and every other benchmark of the processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.core import Containers, core_document, gather
from assay.dataset.encode import rounded
from assay.dataset.entries import Entry, Workbench
from assay.dataset.peak import theoretical_peak, with_efficiency
from assay.dataset.place import CPU
from assay.dataset.quantity import Quantity, ratio

CONTAINERS = ("hpl", "hpl_mkl")
"""Containers that always exist."""


def cpu_document(workbench: Workbench, benchmarks: list[str], rankings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The document from the benchmarks that belong to it, without its date."""
    measured, provisional = gather(workbench, benchmarks, CONTAINERS)
    _derive(measured)
    document = core_document(workbench, benchmarks, measured, provisional, rankings, CPU)
    document["rankings"].setdefault("gflops", [])
    return document


def _derive(containers: Containers) -> None:
    """Add what follows from several measured quantities: efficiencies, speedups. Nothing where a part is missing."""
    clocks, products = containers.get("core_clock", {}), containers.get("dgemm", {})
    for subject, entry in containers["hpl"].items():
        clock = clocks.get(subject, {}).get("sustained_clock")
        peak = theoretical_peak(entry["metadata"], clock)
        entry["gflops"] = with_efficiency(entry["gflops"], peak)
        if "theoretical_peak" in entry["gflops"]:
            _add_sources(entry, clock)
        widest, narrow = (products.get(subject, {}).get(name) for name in ("widest_gflops", "narrow_gflops"))
        _add(entry, "vectorization_speedup", ratio(widest, narrow), widest, narrow)
    for subject, entry in containers["hpl_mkl"].items():
        plain = containers["hpl"].get(subject, {}).get("gflops")
        _add(entry, "mkl_speedup", ratio(entry["gflops"], plain), plain)
        clock = clocks.get(subject, {}).get("sustained_clock")
        peak = theoretical_peak(entry["metadata"], clock)
        if peak is not None and peak >= entry["gflops"]["value"]:
            _add(entry, "library_efficiency", rounded(entry["gflops"]["value"] / peak), clock)


def _add(entry: Entry, name: str, value: float | None, *inputs: Quantity | None) -> None:
    if value is not None:
        entry[name] = value
        for quantity in inputs:
            _add_sources(entry, quantity)


def _add_sources(entry: Entry, quantity: Quantity | None) -> None:
    if quantity is not None:
        entry["sources"] = sorted({*entry["sources"], *quantity["sources"]})
