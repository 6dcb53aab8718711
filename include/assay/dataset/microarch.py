"""microarch-benchmarks.json: latency by cache level and vector units, by architecture."""

from __future__ import annotations

from typing import Any

from assay.dataset.encode import rounded
from assay.dataset.entries import Container, Entry, Workbench
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.quantity import Quantity, ratio, scaled

RATIO_MAPS = ("intel", "amd", "graviton")
CYCLE_FIELDS = ("l1_latency", "l2_latency", "l3_latency")
ANALYSES = {"cache_latency": "cache_analysis", "vectorization": "avx512_performance"}
"""Benchmark -> its name among the analyses of an architecture."""


def microarch_document(workbench: Workbench, benchmarks: list[str]) -> dict[str, Any]:
    """The document from the benchmarks that belong to it, without its date."""
    measured: dict[str, dict[str, Container]] = {}
    provisional: dict[str, dict[str, Container]] = {}
    for benchmark in benchmarks:
        for containers, container, enough in zip(
            (measured, provisional), workbench.containers(benchmark), (True, False), strict=True
        ):
            analysis = ANALYSES.get(benchmark, benchmark)
            for subject, entry in container.items():
                by_analysis = containers.setdefault(entry["metadata"]["architecture"], {})
                by_analysis.setdefault(analysis, {})[subject] = _derived(workbench, benchmark, subject, entry, enough)
    return {
        "schema_version": SCHEMA_VERSION,
        "microarchitecture": measured,
        "provisional": provisional,
        "variants": workbench.variants(benchmarks),
        "configurations": workbench.configurations(benchmarks),
        **{architecture: _ratios(measured.get(architecture, {})) for architecture in RATIO_MAPS},
    }


def in_cycles(entry: Entry, clock: Quantity | None) -> Entry:
    """Cache latencies in cycles, where the core clock was measured in the same sessions; else the entry as it is.

    cycles = nanoseconds x measured core clock in GHz. The nanoseconds and the clock stay beside.
    """
    if clock is None or clock["unit"] != "GHz":
        return entry
    result, converted = dict(entry), False
    for name in CYCLE_FIELDS:
        latency = entry.get(name)
        if latency and latency["unit"] == "nanoseconds" and set(latency["sources"]) <= set(clock["sources"]):
            result[name] = {**scaled(latency, clock["value"], "cycles"), "nanoseconds": latency["value"]}
            converted = True
    return {**result, "core_clock": clock} if converted else entry


def _derived(workbench: Workbench, benchmark: str, subject: str, entry: Entry, enough: bool) -> Entry:
    if benchmark == "cache_latency":
        clocks = workbench.fields("core_clock", measured=True)
        few = {} if enough else workbench.fields("core_clock", measured=False)
        found = {**few.get(subject, {}), **clocks.get(subject, {})}
        # A load chain runs on one core: its clock is the one with a single thread, where that was measured apart.
        return in_cycles(entry, found.get("single_thread_sustained_clock", found.get("sustained_clock")))
    if benchmark == "vectorization" and enough:
        return _with_ratios(workbench, subject, entry)
    return entry


def _with_ratios(workbench: Workbench, subject: str, entry: Entry) -> Entry:
    result = dict(entry)
    products = workbench.fields("dgemm", measured=True).get(subject, {})
    for name, value, inputs in (
        ("vectorization_ratio", ratio(entry.get("vector_bandwidth"), entry.get("scalar_bandwidth")), ()),
        ("avx512_efficiency", _half(products, "avx512_gflops", "avx2_gflops"), ("avx512_gflops", "avx2_gflops")),
        ("sve_efficiency", _half(products, "sve_gflops", "narrow_gflops"), ("sve_gflops", "narrow_gflops")),
    ):
        if value is not None:
            result[name] = value
            used = {session for field in inputs for session in products[field]["sources"]}
            result["sources"] = sorted({*result["sources"], *used})
    return result


def _half(products: dict[str, Quantity], wide: str, narrow: str) -> float | None:
    quotient = ratio(products.get(wide), products.get(narrow))
    return None if quotient is None else rounded(quotient / 2)


def _ratios(analyses: dict[str, Container]) -> dict[str, dict[str, Any]]:
    return {
        subject: {"vectorization_ratio": entry["vectorization_ratio"], "sources": entry["sources"]}
        for subject, entry in analyses.get("avx512_performance", {}).items()
        if "vectorization_ratio" in entry
    }
