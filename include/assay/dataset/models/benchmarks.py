"""The three core documents: memory, cpu and microarchitecture, and the list of rankings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from assay.dataset.models.base import (
    Configuration,
    Configurations,
    Document,
    Entry,
    Measured,
    Moment,
    OtherEntry,
    OtherProvisionalEntry,
    Provisional,
    Published,
    Variants,
    column_says,
    measured_in,
    quantity_in,
)

Bandwidth = Annotated[
    Measured | None,
    Field(
        description="Bandwidth in GB/s (10^9 bytes per second), as STREAM counts bytes.", json_schema_extra=quantity_in("GB/s")
    ),
]
ProvisionalBandwidth = Annotated[
    Provisional | None,
    Field(description="Bandwidth in GB/s (10^9 bytes per second).", json_schema_extra=quantity_in("GB/s")),
]
Latency = Annotated[
    Measured | None,
    Field(
        description="Time of one dependent load: in cycles where the same sessions measured the core clock, else in nanoseconds.",
        json_schema_extra=quantity_in("cycles", "nanoseconds"),
    ),
]
ProvisionalLatency = Annotated[
    Provisional | None,
    Field(
        description="Time of one dependent load, in cycles or nanoseconds.",
        json_schema_extra=quantity_in("cycles", "nanoseconds"),
    ),
]


class StreamEntry(Entry):
    """STREAM on one type: all threads, and one thread where it was measured."""

    triad_bandwidth: Measured = Field(
        description="a(i) = b(i) + q*c(i): 24 bytes per element and pass. GB/s.", json_schema_extra=quantity_in("GB/s")
    )
    copy_bandwidth: Measured = Field(
        description="c(i) = a(i): 16 bytes per element and pass. GB/s.", json_schema_extra=quantity_in("GB/s")
    )
    scale_bandwidth: Bandwidth = None
    add_bandwidth: Bandwidth = None
    single_thread_triad_bandwidth: Bandwidth = None
    single_thread_copy_bandwidth: Bandwidth = None
    single_thread_scale_bandwidth: Bandwidth = None
    single_thread_add_bandwidth: Bandwidth = None


class ProvisionalStreamEntry(Entry):
    """STREAM on a type with fewer than three executions."""

    triad_bandwidth: ProvisionalBandwidth = None
    copy_bandwidth: ProvisionalBandwidth = None
    scale_bandwidth: ProvisionalBandwidth = None
    add_bandwidth: ProvisionalBandwidth = None


class StreamCacheEntry(Entry):
    """STREAM-like bandwidth with the arrays inside one cache level."""

    l1_bandwidth: Bandwidth = None
    l2_bandwidth: Bandwidth = None
    l3_bandwidth: Bandwidth = None
    cache_hierarchy_efficiency: float | None = Field(
        None,
        description="Mean over levels of measured bandwidth / (bytes per cycle of that level x clock); ratio without unit.",
        json_schema_extra=measured_in("ratio"),
    )


class MemoryContainers(Published):
    """Benchmarks of memory, by name, then by instance type. Every type here has intervals and sample sizes."""

    __pydantic_extra__: dict[str, dict[str, OtherEntry]]
    stream: dict[str, StreamEntry] = Field(description="STREAM triad, copy, scale and add, by instance type.")
    stream_cache: dict[str, StreamCacheEntry] = Field(description="Bandwidth by cache level, by instance type.")


class ProvisionalMemoryContainers(Published):
    """What has fewer than three executions: same shape, less the interval; in no ranking."""

    __pydantic_extra__: dict[str, dict[str, OtherProvisionalEntry]]
    stream: dict[str, ProvisionalStreamEntry] = Field(description="STREAM, by instance type.")
    stream_cache: dict[str, OtherProvisionalEntry] = Field(description="Bandwidth by cache level, by instance type.")


class Rank(Published):
    """One type in a ranking."""

    instance: str = Field(description="Instance type or host label.")
    value: float = Field(description="Median, in the unit of the metric.", json_schema_extra=measured_in("@unit"))
    rank: int = Field(
        ge=1,
        description="Dense rank; types whose intervals overlap that of the rank's first member share it.",
        json_schema_extra=measured_in("ordinal"),
    )


class CoreDocument(Document):
    """What the memory and the cpu document share."""

    last_updated: Moment = Field(
        description="End of the newest session that contributed, UTC; of the dataset's first where none did."
    )
    total_instances: int = Field(
        ge=0, description="Instance types in this document, provisional ones included.", json_schema_extra=measured_in("count")
    )
    architectures: list[str] = Field(description="Architectures of those types, sorted.")
    configurations: Configurations
    variants: Variants
    rankings: dict[str, list[Rank]] = Field(
        description="Types by metric, best first, of the one configuration that fills the container; "
        "`instance-rankings.json` has every list with its key."
    )


class MemoryDocument(CoreDocument):
    """memory-benchmarks.json: memory bandwidth by instance type."""

    benchmarks: MemoryContainers = Field(description="By benchmark, then by instance type.")
    provisional: ProvisionalMemoryContainers = Field(description="Fewer than three executions: same shape, less the interval.")


class HplEntry(Entry):
    """LU solve under the HPL rules on one type."""

    gflops: Measured = Field(
        description="Rate of the solve with all threads: (2/3 N^3 + 2 N^2) / t. GFLOPS. "
        "Has `theoretical_peak` (GFLOPS) and `efficiency_percent` where they are known.",
        json_schema_extra=quantity_in("GFLOPS"),
    )
    single_thread_gflops: Measured | None = Field(
        None, description="The same with one thread. GFLOPS.", json_schema_extra=quantity_in("GFLOPS")
    )
    vectorization_speedup: float | None = Field(
        None,
        description="DGEMM at the widest vector unit / DGEMM limited to 128 bits; ratio without unit.",
        json_schema_extra=measured_in("ratio"),
    )


class ProvisionalHplEntry(Entry):
    """LU solve on a type with fewer than three executions."""

    gflops: Provisional | None = Field(
        None, description="Rate of the solve with all threads. GFLOPS.", json_schema_extra=quantity_in("GFLOPS")
    )
    single_thread_gflops: Provisional | None = Field(
        None, description="The same with one thread. GFLOPS.", json_schema_extra=quantity_in("GFLOPS")
    )


class MklEntry(Entry):
    """LU solve with the processor vendor's library."""

    gflops: Measured = Field(description="Rate of the solve with all threads. GFLOPS.", json_schema_extra=quantity_in("GFLOPS"))
    mkl_speedup: float | None = Field(
        None, description="hpl_mkl.gflops / hpl.gflops; ratio without unit.", json_schema_extra=measured_in("ratio")
    )
    library_efficiency: float | None = Field(
        None, description="hpl_mkl.gflops / theoretical_peak; ratio without unit.", json_schema_extra=measured_in("ratio")
    )


class CpuContainers(Published):
    """Benchmarks of the processor, by name, then by instance type. Every type here has intervals and sample sizes."""

    __pydantic_extra__: dict[str, dict[str, OtherEntry]]
    hpl: dict[str, HplEntry] = Field(description="LU solve under the HPL rules, by instance type.")
    hpl_mkl: dict[str, MklEntry] = Field(description="The same with a vendor library (MKL, AOCL, Arm PL), by instance type.")


class ProvisionalCpuContainers(Published):
    """What has fewer than three executions: same shape, less the interval; in no ranking."""

    __pydantic_extra__: dict[str, dict[str, OtherProvisionalEntry]]
    hpl: dict[str, ProvisionalHplEntry] = Field(description="LU solve, by instance type.")
    hpl_mkl: dict[str, ProvisionalHplEntry] = Field(description="LU solve with a vendor library, by instance type.")


class CpuDocument(CoreDocument):
    """cpu-benchmarks.json: floating-point rate and further processor benchmarks by instance type."""

    benchmarks: CpuContainers = Field(description="By benchmark, then by instance type.")
    provisional: ProvisionalCpuContainers = Field(description="Fewer than three executions: same shape, less the interval.")


class VectorEntry(Entry):
    """Vector units against scalar code."""

    vector_bandwidth: Bandwidth = None
    scalar_bandwidth: Bandwidth = None
    vectorization_ratio: float | None = Field(
        None,
        description="vector_bandwidth / scalar_bandwidth, resident in L1; ratio without unit.",
        json_schema_extra=measured_in("ratio"),
    )
    avx512_efficiency: float | None = Field(
        None,
        description="DGEMM with AVX-512 / (2 x DGEMM with AVX2); ratio without unit.",
        json_schema_extra=measured_in("ratio"),
    )
    sve_efficiency: float | None = Field(
        None,
        description="DGEMM with SVE / (2 x DGEMM limited to 128 bits); ratio without unit.",
        json_schema_extra=measured_in("ratio"),
    )


class CacheEntry(Entry):
    """Latency by level of the memory hierarchy."""

    l1_latency: Latency = None
    l2_latency: Latency = None
    l3_latency: Latency = None
    dram_latency: Measured | None = Field(
        None,
        description="Time of one dependent load from main memory, in nanoseconds.",
        json_schema_extra=quantity_in("nanoseconds"),
    )


class ProvisionalCacheEntry(Entry):
    """Latency by level, from fewer than three executions."""

    l1_latency: ProvisionalLatency = None
    l2_latency: ProvisionalLatency = None
    l3_latency: ProvisionalLatency = None
    dram_latency: ProvisionalLatency = None


class MicroarchContainers(Published):
    """Microarchitecture of one architecture, by instance type."""

    __pydantic_extra__: dict[str, dict[str, OtherEntry]]
    avx512_performance: dict[str, VectorEntry] | None = Field(None, description="Vector against scalar code, by instance type.")
    cache_analysis: dict[str, CacheEntry] | None = Field(None, description="Latency by level, by instance type.")


class ProvisionalMicroarchContainers(Published):
    """Microarchitecture of one architecture, from fewer than three executions, by instance type."""

    __pydantic_extra__: dict[str, dict[str, OtherProvisionalEntry]]
    cache_analysis: dict[str, ProvisionalCacheEntry] | None = Field(None, description="Latency by level, by instance type.")


class Ratio(Published):
    """The ratio of a type, repeated where one kind of client looks for it."""

    vectorization_ratio: float = Field(
        description="As in `avx512_performance`; ratio without unit.", json_schema_extra=measured_in("ratio")
    )


RatioMap = Annotated[dict[str, Ratio], Field(description="Vectorization ratio by instance type; empty if none was measured.")]


class MicroarchDocument(Document):
    """microarch-benchmarks.json: what the processors do below the level of a benchmark."""

    last_updated: Moment = Field(
        description="End of the newest session that contributed, UTC; of the dataset's first where none did."
    )
    microarchitecture: dict[str, MicroarchContainers] = Field(
        description="By architecture, then by analysis, then by instance type."
    )
    provisional: dict[str, ProvisionalMicroarchContainers] = Field(
        description="Fewer than three executions: same shape, less the interval."
    )
    configurations: Configurations
    variants: Variants
    intel: RatioMap
    amd: RatioMap
    graviton: RatioMap


class RankingKey(Configuration):
    """Everything that the ranked types have in common."""

    benchmark: str = column_says("benchmark")
    metric: str = column_says("metric")


class FullRank(Rank):
    """One type in a ranking, with the interval that its rank rests on."""

    confidence_interval: tuple[float, float] = Field(
        description="Of the median, in the unit of the ranking.", json_schema_extra=measured_in("@unit")
    )
    quality: str | None = Field(None, description="Grade of the value.")
    hourly_price: float | None = Field(
        None,
        gt=0,
        description="In `cost_efficiency`: USD an hour that value and interval are divided by.",
        json_schema_extra=measured_in("currency/h"),
    )


class Location(Published):
    """Where the ranked quantities stand."""

    document: str = Field(description="Published document.")
    field: str = Field(description="Name of the quantity in a type's entry.")
    configuration: str = Field(description="Its configuration: in the benchmark's container, or else under `variants`.")


class Ranking(Published):
    """One list: types that share a ranking key."""

    key: RankingKey = Field(description="What all types of the list have in common.")
    unit: str = Field(description="Unit of the values.")
    higher_is_better: bool = Field(description="Whether the list runs from large to small.")
    ranks: list[FullRank] = Field(description="Best first.")
    values_at: Location = Field(description="Where the quantities that are ranked here stand.")
    of: str | None = Field(None, description="In `cost_efficiency`: the ranking whose values are divided by the price.")
    region: str | None = Field(None, description="In `cost_efficiency`: the AWS region whose prices they are divided by.")


class RankingsDocument(Document):
    """instance-rankings.json: one ranking per ranking key; nothing is compared across keys."""

    last_updated: Moment = Field(
        description="End of the newest session that contributed, UTC; of the dataset's first where none did."
    )
    rankings: dict[str, Ranking] = Field(
        description="By metric (`triad_bandwidth`), or `<benchmark>.<metric>` for other benchmarks; further configurations "
        "of the same metric follow as `<name>@<configuration>`. `cost_efficiency` is value per dollar of the "
        "ranking that its `of` names, in the region that it names."
    )


__all__ = ["Configuration", "CpuDocument", "MemoryDocument", "MicroarchDocument", "RankingsDocument"]
