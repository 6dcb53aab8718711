"""The contract of the published documents as pydantic models; `assay.dataset.schema` turns them into JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from assay.dataset.models.about import ChangesDocument, ManifestDocument, MetadataDocument, QuarantineDocument
from assay.dataset.models.api import BundleDocument, EndpointsDocument, FiltersDocument
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.models.benchmarks import CpuDocument, MemoryDocument, MicroarchDocument, RankingsDocument
from assay.dataset.models.derived import (
    ArchitecturalSummaryDocument,
    FamilySummaryDocument,
    NumaDocument,
    PricePerformanceDocument,
    TrendsDocument,
    ViewDocument,
)

DOCUMENTS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "memory-benchmarks.json": ("memory-benchmark", MemoryDocument),
    "cpu-benchmarks.json": ("cpu-benchmark", CpuDocument),
    "microarch-benchmarks.json": ("microarch-benchmark", MicroarchDocument),
    "instance-rankings.json": ("instance-rankings", RankingsDocument),
    "price-performance.json": ("price-performance", PricePerformanceDocument),
    **dict.fromkeys(
        (
            "intel-instances.json",
            "amd-instances.json",
            "graviton-instances.json",
            "compute-optimized.json",
            "memory-optimized.json",
            "general-purpose.json",
            "stream-results.json",
            "hpl-results.json",
            "avx512-analysis.json",
        ),
        ("view", ViewDocument),
    ),
    "numa-performance.json": ("numa-performance", NumaDocument),
    "family-summary.json": ("family-summary", FamilySummaryDocument),
    "architectural-summary.json": ("architectural-summary", ArchitecturalSummaryDocument),
    "trends.json": ("trends", TrendsDocument),
    "metadata.json": ("metadata", MetadataDocument),
    "quarantine.json": ("quarantine", QuarantineDocument),
    "changes.json": ("changes", ChangesDocument),
    "bundle.json": ("bundle", BundleDocument),
    "manifest.json": ("manifest", ManifestDocument),
}
"""Published document -> name of its schema and the model it keeps."""

API: Mapping[str, tuple[str, type[BaseModel]]] = {
    "endpoints.json": ("endpoints", EndpointsDocument),
    "filters.json": ("filters", FiltersDocument),
}
"""Documents below data/api/ -> name of the schema and the model."""


def says(model: type[BaseModel]) -> str:
    """What a document says, from its model's docstring: behind the file name, where it begins with one."""
    text = " ".join((model.__doc__ or "").split())
    return text.partition(": ")[2] if ".json: " in text else text


__all__ = ["API", "DOCUMENTS", "SCHEMA_VERSION", "says"]
