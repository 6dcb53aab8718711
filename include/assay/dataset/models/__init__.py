"""The contract of the published documents as pydantic models; `assay.dataset.schema` turns them into JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

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
    ViewDocument,
)
from assay.dataset.models.history import AggregatesDocument, TrendHistoryDocument, TrendsDocument
from assay.dataset.models.predictions import PredictionsDocument

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
    "predictions.json": ("predictions", PredictionsDocument),
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


HISTORY: Mapping[str, tuple[str, type[BaseModel]]] = {
    "historical/trends/*.json": ("trend-history", TrendHistoryDocument),
    "historical/*/aggregates.json": ("aggregates", AggregatesDocument),
    "v1.0/weekly-aggregates/*.json": ("aggregates", AggregatesDocument),
}
"""Documents over time, by the pattern of their path below data/processed/ -> name of the schema and the model."""


def contract_of(path: str) -> tuple[str, type[BaseModel]] | None:
    """Name of the schema and model of a document, by its file name or its path below data/processed/; None where it has none."""
    if "/" not in path:
        return DOCUMENTS.get(path) or API.get(path)
    return next((contract for pattern, contract in HISTORY.items() if fnmatchcase(path, pattern)), None)


def says(model: type[BaseModel]) -> str:
    """What a document says, from its model's docstring: behind the file name, where it begins with one."""
    text = " ".join((model.__doc__ or "").split())
    return text.partition(": ")[2] if ".json: " in text else text


__all__ = ["API", "DOCUMENTS", "HISTORY", "SCHEMA_VERSION", "contract_of", "says"]
