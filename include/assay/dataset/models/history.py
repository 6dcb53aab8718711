"""Documents over time: trends, the whole series of each family, and weekly and quarterly aggregates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.dataset.models.base import Configurations, Day, Document, Moment, Published, SessionId, measured_in
from assay.dataset.models.benchmarks import RankingKey

Updated = Annotated[
    Moment, Field(description="End of the newest session that contributed, UTC; of the dataset's first where none did.")
]
Source = Annotated[
    int,
    Field(
        ge=0,
        description="The sessions behind the number: position in the type's lists under `sources` of this document.",
        json_schema_extra=measured_in("ordinal"),
    ),
]
SourceLists = Annotated[
    dict[str, list[list[SessionId]]],
    Field(description="By instance type: lists of session ids, each written once; `manifest.json` leads to their raw files."),
]


class Point(Published):
    """One day of a series, or one week where `period` says so."""

    date: Day = Field(description="Day on which the sessions started, UTC; of a week its Monday.")
    period: Literal["week"] | None = Field(None, description="`week` for an ISO week; absent for a day.")
    value: float = Field(
        description="Median over the executions of the day or week, in the unit of the series.",
        json_schema_extra=measured_in("@unit"),
    )
    confidence_interval: tuple[float, float] | None = Field(
        None,
        description="Of that median, in the unit of the series; absent with fewer than three executions.",
        json_schema_extra=measured_in("@unit"),
    )
    sample_size: int = Field(ge=1, description="Executions of the day or week.", json_schema_extra=measured_in("count"))
    source: Source


class ChangePoint(Published):
    """A change of level in a series, found in the whole of it."""

    date: Day = Field(description="Day of the first session on the new level, UTC.")
    before: float = Field(description="Median before, in the unit of the series.", json_schema_extra=measured_in("@unit"))
    after: float = Field(description="Median after, in the unit of the series.", json_schema_extra=measured_in("@unit"))
    change_percent: float | None = Field(
        None, description="100 x (after - before) / before.", json_schema_extra=measured_in("percent")
    )
    confidence: float = Field(ge=0, le=1, description="1 - p of the test that found it.", json_schema_extra=measured_in("ratio"))
    source: Source


class SeriesDocument(Published):
    """One metric of one type over time, under one ranking key."""

    key: RankingKey = Field(description="Everything that these values have in common.")
    unit: str = Field(description="Unit of every value here.")
    points: list[Point] = Field(min_length=1, description="Oldest first.")
    change_points: list[ChangePoint] = Field(description="Oldest first; empty if the level never changed, or too few sessions.")


SeriesByType = Annotated[dict[str, dict[str, SeriesDocument]], Field(description="By instance type, then by ranking name.")]


class TrendWindow(Published):
    """How much of each series trends.json shows; smaller where there are very many series."""

    days: int = Field(
        ge=1,
        description="Newest measured days shown as days, and the rest of the week that the first is in.",
        json_schema_extra=measured_in("count"),
    )
    weeks: int = Field(
        ge=0, description="Measured weeks before those that are shown as weeks, at most.", json_schema_extra=measured_in("count")
    )
    least_days: int = Field(
        ge=1, description="Measured days that a series needs to be shown.", json_schema_extra=measured_in("count")
    )


class TrendsDocument(Document):
    """trends.json: the metrics of every type over time and the changes of their level: newest days, and weeks before those."""

    last_updated: Updated
    window: TrendWindow = Field(description="How much of each series stands here.")
    history: dict[str, str] = Field(
        description="By family: where its whole series lie, relative to `data/processed/latest/`; other configurations too."
    )
    sources: SourceLists
    series: SeriesByType


class TrendHistoryDocument(Document):
    """historical/trends/<family>.json: every series of a family, a point for each measured day."""

    last_updated: Updated
    family: str = Field(description="Family of the instance types here; `host` for machines of no cloud.")
    sources: SourceLists
    series: SeriesByType


class PeriodQuantity(Published):
    """A quantity over the executions of a period."""

    value: float = Field(
        description="Median over the executions of the period, in `unit`.", json_schema_extra=measured_in("@unit")
    )
    unit: str = Field(description="Unit of `value` and of the interval.")
    sample_size: int = Field(ge=1, description="Executions of the period (n).", json_schema_extra=measured_in("count"))
    sessions: int = Field(ge=1, description="Sessions that the executions belong to.", json_schema_extra=measured_in("count"))
    configuration: str = Field(description="What else makes it comparable: a name in this document's `configurations`.")
    source: Source


class MeasuredPeriodQuantity(PeriodQuantity):
    """A quantity over three executions of a period or more, with its order-statistic interval."""

    sample_size: int = Field(ge=3, description="Executions of the period (n).", json_schema_extra=measured_in("count"))
    confidence_interval: tuple[float, float] = Field(
        description="Lower and upper bound of the median, in `unit`.", json_schema_extra=measured_in("@unit")
    )
    coefficient_variation: float | None = Field(
        None,
        ge=0,
        description="Standard deviation (n - 1) in percent of the mean; absent where the mean is zero.",
        json_schema_extra=measured_in("percent"),
    )
    quality: str | None = Field(None, description="Grade by n, sessions and spread; `metadata.json` defines the grades.")


class PeriodVariant(Published):
    """Numbers of a benchmark under another configuration than the one that fills its container."""

    instances: dict[str, dict[str, MeasuredPeriodQuantity | PeriodQuantity]] = Field(
        description="By instance type, then by metric."
    )


class FamilySpread(Published):
    """How the types of a family spread, one configuration and metric."""

    unit: str = Field(description="Unit of `min`, `median` and `max`.")
    types: int = Field(ge=1, description="Types with an interval in the period.", json_schema_extra=measured_in("count"))
    min: float = Field(description="Smallest of the types' medians, in `unit`.", json_schema_extra=measured_in("@unit"))
    median: float = Field(description="Median of the types' medians, in `unit`.", json_schema_extra=measured_in("@unit"))
    max: float = Field(description="Largest of the types' medians, in `unit`.", json_schema_extra=measured_in("@unit"))
    members: list[str] = Field(min_length=1, description="The types, by name.")


class AggregatesDocument(Document):
    """the statistics of the sessions that started in one ISO week or one quarter, by type and by family."""

    last_updated: Moment = Field(description="End of the period's newest session, UTC; of the dataset's first where it has none.")
    period: str = Field(pattern=r"^\d{4}-(W\d{2}|Q[1-4])$", description="ISO week or quarter, such as `2024-W47` or `2024-Q4`.")
    first_day: Day = Field(alias="from", description="First day of the period, UTC.")
    to: Day = Field(description="Last day of the period, UTC.")
    sessions: int = Field(
        ge=0, description="Sessions that started in the period and have a value.", json_schema_extra=measured_in("count")
    )
    benchmarks: dict[str, dict[str, dict[str, MeasuredPeriodQuantity]]] = Field(
        description="By benchmark, instance type and metric."
    )
    provisional: dict[str, dict[str, dict[str, PeriodQuantity]]] = Field(
        description="Fewer than three executions in the period: same shape, less the interval."
    )
    variants: dict[str, dict[str, PeriodVariant]] = Field(
        description="Other configurations: by benchmark, then by configuration."
    )
    families: dict[str, dict[str, dict[str, dict[str, FamilySpread]]]] = Field(
        description="By family, benchmark, configuration and metric; nothing is compared across configurations."
    )
    configurations: Configurations
    sources: SourceLists


__all__ = ["AggregatesDocument", "TrendHistoryDocument", "TrendsDocument"]
