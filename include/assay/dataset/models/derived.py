"""Documents that follow from the core ones: views, summaries and prices."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from assay.dataset.models.base import (
    Configurations,
    Day,
    Document,
    Entry,
    Measured,
    Moment,
    Provisional,
    Published,
    Variants,
    measured_in,
    quantity_in,
)
from assay.dataset.models.benchmarks import (
    CpuContainers,
    MemoryContainers,
    MicroarchContainers,
    ProvisionalCpuContainers,
    ProvisionalMemoryContainers,
    ProvisionalMicroarchContainers,
    RankingKey,
)

Updated = Annotated[
    Moment, Field(description="End of the newest session that contributed, UTC; of the dataset's first where none did.")
]


class ViewContainers(MemoryContainers, CpuContainers):
    """The containers of memory and cpu together, filtered."""


class ProvisionalViewContainers(ProvisionalMemoryContainers, ProvisionalCpuContainers):
    """What has fewer than three executions, filtered."""


class ViewDocument(Document):
    """a filtered view of the core documents, in the same shapes."""

    last_updated: Updated
    filter: dict[str, str | list[str]] = Field(description="What this view shows: the field and the value or values that pass.")
    benchmarks: ViewContainers = Field(description="By benchmark, then by instance type.")
    provisional: ProvisionalViewContainers = Field(description="Fewer than three executions: same shape, less the interval.")
    microarchitecture: dict[str, MicroarchContainers] = Field(
        description="By architecture, then by analysis, then by instance type."
    )
    provisional_microarchitecture: dict[str, ProvisionalMicroarchContainers] = Field(
        description="Fewer than three executions: same shape, less the interval."
    )
    variants: Variants
    configurations: Configurations


class NumaEntry(Entry):
    """Memory of the own node against memory of another."""

    nodes: int | None = Field(
        None, ge=1, description="NUMA nodes that the system reports.", json_schema_extra=measured_in("count")
    )
    local_bandwidth: Measured | Provisional | None = Field(
        None, description="Bandwidth to memory of the own node, in GB/s.", json_schema_extra=quantity_in("GB/s")
    )
    remote_bandwidth: Measured | Provisional | None = Field(
        None, description="Bandwidth to memory of another node, in GB/s.", json_schema_extra=quantity_in("GB/s")
    )
    local_latency: Measured | Provisional | None = Field(
        None, description="Latency to memory of the own node, in nanoseconds.", json_schema_extra=quantity_in("nanoseconds")
    )
    remote_latency: Measured | Provisional | None = Field(
        None, description="Latency to memory of another node, in nanoseconds.", json_schema_extra=quantity_in("nanoseconds")
    )


class NumaDocument(Document):
    """numa-performance.json: memory of the own node against memory of another, by instance type."""

    last_updated: Updated
    numa: dict[str, NumaEntry] = Field(description="By instance type; only types on which it was measured.")
    configurations: Configurations


class Member(Published):
    """One type of a group, under one ranking key."""

    instance: str = Field(description="Instance type or host label.")
    value: float = Field(description="Median, in the unit of the summary.", json_schema_extra=measured_in("@unit"))
    vcpus: int | None = Field(None, ge=1, description="Logical processors.", json_schema_extra=measured_in("count"))


class GroupSummary(Published):
    """The types of a family or architecture under one ranking key."""

    key: RankingKey = Field(description="Everything that these values have in common.")
    unit: str = Field(description="Unit of every value here.")
    types: int = Field(ge=1, description="Types with an interval.", json_schema_extra=measured_in("count"))
    min: float = Field(description="Smallest median, in `unit`.", json_schema_extra=measured_in("@unit"))
    median: float = Field(description="Median of the types' medians, in `unit`.", json_schema_extra=measured_in("@unit"))
    max: float = Field(description="Largest median, in `unit`.", json_schema_extra=measured_in("@unit"))
    best: str = Field(description="Type that ranks first.")
    members: list[Member] = Field(min_length=1, description="The types, best first.")
    scaling_exponent: float | None = Field(
        None,
        description="Slope of log(value) over log(vcpus): 1 is proportional to size; absent with fewer than three sizes.",
        json_schema_extra=measured_in("ratio"),
    )


class FamilySummaryDocument(Document):
    """family-summary.json: per family and ranking key how many types there are, how they spread and how they scale."""

    last_updated: Updated
    families: dict[str, dict[str, GroupSummary]] = Field(description="By family, then by ranking name.")


class ArchitecturalSummaryDocument(Document):
    """architectural-summary.json: the same per architecture."""

    last_updated: Updated
    architectures: dict[str, dict[str, GroupSummary]] = Field(description="By architecture, then by ranking name.")


class Price(Published):
    """An hourly price."""

    value: float = Field(
        gt=0,
        description="Price of one hour, on demand, Linux, in the document's currency.",
        json_schema_extra=measured_in("currency/h"),
    )
    source: str = Field(description="Who says so.")
    as_of: Day = Field(description="Day of the price list that was the first to say so; it was not heard otherwise since.")


class PerDollar(Published):
    """Performance for money."""

    value: float = Field(description="Median / hourly price.", json_schema_extra=measured_in("@unit"))
    unit: str = Field(description="Unit of the metric per USD and hour.")


class Cost(Published):
    """What a time costs."""

    value: float = Field(description="Hourly price x median in hours.", json_schema_extra=measured_in("@unit"))
    unit: str = Field(description="The document's currency.")


class RegionPrice(Published):
    """A type in a region."""

    hourly_price: Price | None = Field(description="null where there is none; `reason` says why.")
    reason: str | None = Field(None, description="Why there is no price.")
    value_per_dollar: dict[str, PerDollar] | None = Field(
        None, description="By metric where more is better, for a type that has a price and is ranked."
    )
    cost_per_operation: dict[str, Cost] | None = Field(
        None, description="By metric that is a time, for a type that has a price and is ranked; less is better."
    )


class PricePerformanceDocument(Document):
    """price-performance.json: hourly prices by type and region, and what a dollar buys."""

    last_updated: Updated
    currency: str = Field(description="Currency of every price.")
    instances: dict[str, dict[str, RegionPrice]] = Field(description="By instance type, then by region.")
