"""The contract 1.0.0, the older form that the world has seen: the same documents with `{value, unit}` only. It is frozen.

Interval, sample size and spread may stand beside a value, but need not; there is no `provisional`, no `variants` and no
`configurations`. `assay.dataset.migrations` turns such documents into 1.1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel

from assay.dataset.models.base import Architecture, Day, Moment, Published, SessionId, Sha256, measured_in, quantity_in

VERSION: Literal["1.0.0"] = "1.0.0"

Updated = Annotated[Moment | None, Field(description="End of the newest session that contributed, UTC.")]


class Quantity(Published):
    """A value with its unit; what else is known of it may stand beside."""

    value: float = Field(description="The published value.", json_schema_extra=measured_in("@unit"))
    unit: str = Field(description="Unit of `value` and of the interval, such as `GB/s`.")
    confidence_interval: tuple[float, float] | None = Field(
        None, description="Lower and upper end, where it was computed.", json_schema_extra=measured_in("@unit")
    )
    sample_size: int | None = Field(
        None, ge=1, description="Executions behind the value, where it was told.", json_schema_extra=measured_in("count")
    )
    coefficient_variation: float | None = Field(
        None, ge=0, description="Spread in percent of the mean, where it was told.", json_schema_extra=measured_in("percent")
    )


class HplQuantity(Quantity):
    """A rate with what the processor could reach."""

    theoretical_peak: float | None = Field(
        None, description="Largest rate that the processor could reach.", json_schema_extra=measured_in("@unit")
    )
    efficiency_percent: float | None = Field(
        None, description="100 x value / theoretical_peak.", json_schema_extra=measured_in("percent")
    )


class Subject(Published):
    """What was measured, as far as it is known."""

    instance_family: str = Field(description="Family of the instance type, such as `m7i`.")
    architecture: Architecture = Field(description="Maker of the processor.")
    generation: int | None = Field(None, description="Generation of the family.", json_schema_extra=measured_in("ordinal"))
    processor: str | None = Field(None, description="Processor model.")
    memory_type: str | None = Field(None, description="Kind of memory, such as `DDR5`.")
    numa_nodes: int | None = Field(None, ge=1, description="NUMA nodes.", json_schema_extra=measured_in("count"))


Machine = Annotated[Subject | None, Field(description="The machine that these numbers belong to.")]
Bandwidth = Annotated[
    Quantity | None,
    Field(description="Bandwidth in GB/s (10^9 bytes per second).", json_schema_extra=quantity_in("GB/s")),
]
Latency = Annotated[
    Quantity | None,
    Field(description="Time of one dependent load.", json_schema_extra=quantity_in("cycles", "nanoseconds")),
]


def _ratio(description: str) -> Any:
    return Field(None, description=description, json_schema_extra=measured_in("ratio"))


class StreamEntry(Published):
    """STREAM on one type."""

    triad_bandwidth: Quantity = Field(
        description="a(i) = b(i) + q*c(i): 24 bytes per element and pass.", json_schema_extra=quantity_in("GB/s")
    )
    copy_bandwidth: Quantity = Field(
        description="c(i) = a(i): 16 bytes per element and pass.", json_schema_extra=quantity_in("GB/s")
    )
    scale_bandwidth: Bandwidth = None
    add_bandwidth: Bandwidth = None
    metadata: Subject = Field(description="The machine that these numbers belong to.")


class CacheBandwidthEntry(Published):
    """Bandwidth with the arrays inside one cache level."""

    l1_bandwidth: Bandwidth = None
    l2_bandwidth: Bandwidth = None
    l3_bandwidth: Bandwidth = None
    cache_hierarchy_efficiency: float | None = _ratio("Mean over levels of measured bandwidth / (bytes per cycle x clock).")
    metadata: Machine = None


class HplEntry(Published):
    """LU solve under the HPL rules on one type."""

    gflops: HplQuantity = Field(description="Rate of the solve with all threads.", json_schema_extra=quantity_in("GFLOPS"))
    single_thread_gflops: Quantity | None = Field(
        None, description="The same with one thread.", json_schema_extra=quantity_in("GFLOPS")
    )
    vectorization_speedup: float | None = _ratio("DGEMM at the widest vector unit / DGEMM limited to 128 bits.")
    metadata: Machine = None


class MklEntry(Published):
    """LU solve with the processor vendor's library."""

    gflops: HplQuantity = Field(description="Rate of the solve with all threads.", json_schema_extra=quantity_in("GFLOPS"))
    mkl_speedup: float | None = _ratio("hpl_mkl.gflops / hpl.gflops.")
    library_efficiency: float | None = _ratio("hpl_mkl.gflops / theoretical_peak.")
    metadata: Machine = None


class VectorEntry(Published):
    """Vector units against scalar code."""

    vector_bandwidth: Bandwidth = None
    scalar_bandwidth: Bandwidth = None
    vectorization_ratio: float | None = _ratio("vector_bandwidth / scalar_bandwidth.")
    avx512_efficiency: float | None = _ratio("DGEMM with AVX-512 / (2 x DGEMM with AVX2).")
    metadata: Machine = None


class CacheEntry(Published):
    """Latency by level of the memory hierarchy."""

    l1_latency: Latency = None
    l2_latency: Latency = None
    l3_latency: Latency = None
    dram_latency: Quantity | None = Field(
        None, description="Time of one dependent load from main memory.", json_schema_extra=quantity_in("nanoseconds")
    )
    metadata: Machine = None


OtherContainer = dict[str, dict[str, Any]]


class MemoryContainers(Published):
    """Benchmarks of memory, by name, then by instance type."""

    __pydantic_extra__: dict[str, OtherContainer]
    stream: dict[str, StreamEntry] = Field(description="STREAM, by instance type.")
    stream_cache: dict[str, CacheBandwidthEntry] | None = Field(None, description="Bandwidth by cache level, by instance type.")


class CpuContainers(Published):
    """Benchmarks of the processor, by name, then by instance type."""

    __pydantic_extra__: dict[str, OtherContainer]
    hpl: dict[str, HplEntry] = Field(description="LU solve under the HPL rules, by instance type.")
    hpl_mkl: dict[str, MklEntry] | None = Field(None, description="The same with a vendor library, by instance type.")


class ViewContainers(Published):
    """The containers of memory and cpu together, filtered."""

    __pydantic_extra__: dict[str, OtherContainer]
    stream: dict[str, StreamEntry] | None = Field(None, description="STREAM, by instance type.")
    stream_cache: dict[str, CacheBandwidthEntry] | None = Field(None, description="Bandwidth by cache level, by instance type.")
    hpl: dict[str, HplEntry] | None = Field(None, description="LU solve under the HPL rules, by instance type.")
    hpl_mkl: dict[str, MklEntry] | None = Field(None, description="The same with a vendor library, by instance type.")


class MicroarchContainers(Published):
    """Microarchitecture of one architecture, by analysis, then by instance type."""

    __pydantic_extra__: dict[str, OtherContainer]
    avx512_performance: dict[str, VectorEntry] | None = Field(None, description="Vector against scalar code, by instance type.")
    cache_analysis: dict[str, CacheEntry] | None = Field(None, description="Latency by level, by instance type.")


class Rank(Published):
    """One type in a ranking."""

    instance: str = Field(description="Instance type.")
    value: float = Field(description="Its value, in the unit of the metric.", json_schema_extra=measured_in("@unit"))
    rank: int = Field(ge=1, description="Place, from 1.", json_schema_extra=measured_in("ordinal"))


Rankings = Annotated[dict[str, list[Rank]], Field(description="Types by metric, best first.")]


class Document(Published):
    """A published document of the older form."""

    schema_version: Literal["1.0.0"] = Field(description="Version of the contract that this document keeps.")


class MemoryDocument(Document):
    """memory-benchmarks.json: memory bandwidth by instance type."""

    last_updated: Moment = Field(description="End of the newest session that contributed, UTC.")
    total_instances: int | None = Field(
        None, ge=0, description="Instance types in this document.", json_schema_extra=measured_in("count")
    )
    architectures: list[str] | None = Field(None, description="Architectures of those types, sorted.")
    benchmarks: MemoryContainers = Field(description="By benchmark, then by instance type.")
    rankings: Rankings


class CpuDocument(Document):
    """cpu-benchmarks.json: floating-point rate by instance type."""

    last_updated: Moment = Field(description="End of the newest session that contributed, UTC.")
    total_instances: int | None = Field(
        None, ge=0, description="Instance types in this document.", json_schema_extra=measured_in("count")
    )
    architectures: list[str] | None = Field(None, description="Architectures of those types, sorted.")
    benchmarks: CpuContainers = Field(description="By benchmark, then by instance type.")
    rankings: Annotated[dict[str, list[Rank]] | None, Field(description="Types by metric, best first.")] = None


class Ratio(Published):
    """The ratio of a type, repeated where one kind of client looks for it."""

    vectorization_ratio: float = Field(description="As in `avx512_performance`.", json_schema_extra=measured_in("ratio"))


RatioMap = Annotated[dict[str, Ratio] | None, Field(description="Vectorization ratio by instance type.")]


class MicroarchDocument(Document):
    """microarch-benchmarks.json: what the processors do below the level of a benchmark."""

    last_updated: Updated = None
    microarchitecture: dict[str, MicroarchContainers] = Field(description="By architecture, analysis and instance type.")
    intel: RatioMap = None
    amd: RatioMap = None
    graviton: RatioMap = None


class ViewDocument(Document):
    """a filtered view of the core documents, in the same shapes."""

    last_updated: Updated = None
    filter: dict[str, str | list[str]] = Field(description="What this view shows: field and value or values.")
    benchmarks: ViewContainers = Field(description="By benchmark, then by instance type.")
    microarchitecture: dict[str, MicroarchContainers] = Field(description="By architecture, analysis and instance type.")


class RankingKey(Published):
    """What all types of a list have in common."""

    benchmark: str = Field(description="Benchmark, such as `stream`.")
    implementation: str | None = Field(None, description="Program that gave the numbers.")
    threads: str | None = Field(None, description="Thread mode.")


class Ranking(Published):
    """One list of types."""

    key: RankingKey | None = Field(None, description="What all types of the list have in common, where it was told.")
    unit: str = Field(description="Unit of the values.")
    higher_is_better: bool = Field(description="Whether the list runs from large to small.")
    ranks: list[Rank] = Field(description="Best first.")


class RankingsDocument(Document):
    """instance-rankings.json: types by metric, best first."""

    last_updated: Updated = None
    rankings: dict[str, Ranking] = Field(description="By metric.")


class NumaEntry(Published):
    """Memory of the own node against memory of another."""

    nodes: int | None = Field(None, ge=1, description="NUMA nodes.", json_schema_extra=measured_in("count"))
    local_bandwidth: Bandwidth = None
    remote_bandwidth: Bandwidth = None
    local_latency: Quantity | None = Field(
        None, description="Latency to memory of the own node.", json_schema_extra=quantity_in("nanoseconds")
    )
    remote_latency: Quantity | None = Field(
        None, description="Latency to memory of another node.", json_schema_extra=quantity_in("nanoseconds")
    )


class NumaDocument(Document):
    """numa-performance.json: memory of the own node against memory of another, by instance type."""

    last_updated: Updated = None
    numa: dict[str, NumaEntry] = Field(description="By instance type; only types on which it was measured.")


class Price(Published):
    """An hourly price."""

    value: float = Field(gt=0, description="Price of one hour.", json_schema_extra=measured_in("currency/h"))
    source: str = Field(description="Who says so.")
    as_of: Day = Field(description="As of when.")


class PerDollar(Published):
    """Performance for money."""

    value: float = Field(description="Value / hourly price.", json_schema_extra=measured_in("@unit"))
    unit: str = Field(description="Unit of the metric per USD and hour.")


class RegionPrice(Published):
    """A type in a region."""

    hourly_price: Price | None = Field(description="null where there is none; `reason` says why.")
    reason: str | None = Field(None, description="Why there is no price.")
    value_per_dollar: dict[str, PerDollar] | None = Field(None, description="By metric.")


class PricePerformanceDocument(Document):
    """price-performance.json: hourly prices by type and region, and what a dollar buys."""

    last_updated: Updated = None
    currency: str = Field(description="Currency of every price.")
    instances: dict[str, dict[str, RegionPrice]] = Field(description="By instance type, then by region.")


class FileEntry(Published):
    """A file with its size and hash."""

    path: str = Field(description="Path, relative to the folder of this document.")
    bytes: int = Field(ge=0, description="Size in bytes.", json_schema_extra=measured_in("bytes"))
    sha256: Sha256
    document_schema: str | None = Field(None, alias="schema", description="Its JSON Schema; absent for tables.")


class MetadataDocument(Document):
    """metadata.json: what this dataset is, who made it, how good it is, and what belongs to it."""

    dataset: str = Field(description="Name of the dataset.")
    dataset_version: Day = Field(description="Day of `last_updated`.")
    last_updated: Moment = Field(description="End of the newest session that contributed, UTC.")
    licence: str = Field(description="Licence of the dataset.")
    attribution: list[Any] = Field(description="Whose sessions went in.")
    implementations: dict[str, str] = Field(description="Program that fills the container of each benchmark.")
    counts: dict[str, int] = Field(description="How much there is.", json_schema_extra=measured_in("count"))
    accounting: dict[str, int] = Field(
        description="Where every session that was read stands.", json_schema_extra=measured_in("count")
    )
    quality_score: float = Field(ge=0, le=1, description="accepted / read.", json_schema_extra=measured_in("ratio"))
    grades: dict[str, Any] = Field(description="What each quality grade means.")
    documents: list[FileEntry] = Field(description="Every document of this snapshot.")


class Reason(Published):
    """Why a session is kept out."""

    rule: str = Field(description="Stable id of the rule.")
    file: str = Field(description="Raw file within the session.")
    value: str = Field(description="What was found.")
    expected: str = Field(description="What was expected.")
    message: str = Field(description="The sentence for a person.")


class QuarantinedSession(Published):
    """A session that is kept, but not published."""

    session: SessionId
    kind: str = Field(description="What was recorded in it.")
    subject: str = Field(description="What it says it measured.")
    reasons: list[Reason] = Field(description="Every rule that kept it out.")


class QuarantineDocument(RootModel[list[QuarantinedSession]]):
    """quarantine.json: what was kept out of the dataset and why."""


class Moved(Published):
    """A value that is not what it was."""

    instance: str = Field(description="Instance type.")
    metric: str = Field(description="Metric.")
    before: float = Field(alias="from", description="Value in the snapshot before.", json_schema_extra=measured_in("@unit"))
    to: float = Field(description="Value now.", json_schema_extra=measured_in("@unit"))
    beyond_noise: bool = Field(description="Whether the difference is larger than the noise.")


class ChangesDocument(Document):
    """changes.json: what is different from the snapshot before."""

    since: str = Field(description="Name of the snapshot before; empty for the first.")
    new: list[str] = Field(description="Instance types that were not there.")
    gone: list[str] = Field(description="Instance types that are no longer there.")
    moved: list[Moved] = Field(description="Values that changed.")
    quarantined: list[SessionId] = Field(description="Sessions that were put into quarantine since.")


class ManifestSession(Published):
    """A session that went in."""

    session: SessionId
    manifest_sha256: Sha256


class ManifestDocument(Document):
    """manifest.json: every file of the snapshot and every session that went in, with their hashes."""

    files: list[FileEntry] = Field(description="Every file of the snapshot but this one.")
    sessions: list[ManifestSession] = Field(description="Every session that went in.")


class GroupSummary(Published):
    """The types of a family or architecture under one metric."""

    unit: str | None = Field(None, description="Unit of every value here.")
    types: int = Field(ge=1, description="Types that were measured.", json_schema_extra=measured_in("count"))
    min: float = Field(description="Smallest value.", json_schema_extra=measured_in("@unit"))
    median: float = Field(description="Median of the values.", json_schema_extra=measured_in("@unit"))
    max: float = Field(description="Largest value.", json_schema_extra=measured_in("@unit"))
    best: str = Field(description="Type that is best.")


class FamilySummaryDocument(Document):
    """family-summary.json: per family and metric how many types there are and how they spread."""

    last_updated: Updated = None
    families: dict[str, dict[str, GroupSummary]] = Field(description="By family, then by metric.")


class ArchitecturalSummaryDocument(Document):
    """architectural-summary.json: the same per architecture."""

    last_updated: Updated = None
    architectures: dict[str, dict[str, GroupSummary]] = Field(description="By architecture, then by metric.")


class Point(Published):
    """One day of a series."""

    date: Day = Field(description="Day, UTC.")
    value: float = Field(description="Value of the day.", json_schema_extra=measured_in("@unit"))


class Series(Published):
    """One metric of one type over time."""

    unit: str | None = Field(None, description="Unit of every value here.")
    points: list[Point] = Field(min_length=1, description="Oldest first.")


class TrendsDocument(Document):
    """trends.json: every metric of every type, day by day."""

    last_updated: Updated = None
    series: dict[str, dict[str, Series]] = Field(description="By instance type, then by metric.")


class Endpoint(Published):
    """One file of the snapshot."""

    path: str = Field(description="Path below `base`.")
    title: str = Field(description="What it says.")
    document_schema: str | None = Field(None, alias="schema", description="Its JSON Schema; absent for tables.")
    bytes: int = Field(ge=0, description="Size in bytes.", json_schema_extra=measured_in("bytes"))
    sha256: Sha256
    parameters: list[str] = Field(description="Parameters; static files take none.")


class EndpointsDocument(Document):
    """endpoints.json: every file of the newest snapshot, with size and hash."""

    base: str = Field(description="Folder of the newest snapshot.")
    endpoints: list[Endpoint] = Field(description="By path.")


class FiltersDocument(Document):
    """filters.json: what one can filter by, and the values that occur."""

    architecture: list[str] = Field(description="Values that occur in the snapshot, sorted.")
    family: list[str] = Field(description="Values that occur in the snapshot, sorted.")
    metric: list[str] = Field(description="Values that occur in the snapshot, sorted.")


_VIEWS = (
    "intel-instances.json",
    "amd-instances.json",
    "graviton-instances.json",
    "compute-optimized.json",
    "memory-optimized.json",
    "general-purpose.json",
    "stream-results.json",
    "hpl-results.json",
    "avx512-analysis.json",
)

DOCUMENTS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "memory-benchmarks.json": ("memory-benchmark", MemoryDocument),
    "cpu-benchmarks.json": ("cpu-benchmark", CpuDocument),
    "microarch-benchmarks.json": ("microarch-benchmark", MicroarchDocument),
    "instance-rankings.json": ("instance-rankings", RankingsDocument),
    "price-performance.json": ("price-performance", PricePerformanceDocument),
    **dict.fromkeys(_VIEWS, ("view", ViewDocument)),
    "numa-performance.json": ("numa-performance", NumaDocument),
    "family-summary.json": ("family-summary", FamilySummaryDocument),
    "architectural-summary.json": ("architectural-summary", ArchitecturalSummaryDocument),
    "trends.json": ("trends", TrendsDocument),
    "metadata.json": ("metadata", MetadataDocument),
    "quarantine.json": ("quarantine", QuarantineDocument),
    "changes.json": ("changes", ChangesDocument),
    "manifest.json": ("manifest", ManifestDocument),
    "endpoints.json": ("endpoints", EndpointsDocument),
    "filters.json": ("filters", FiltersDocument),
}
"""Published document -> name of its schema and the model it keeps."""
