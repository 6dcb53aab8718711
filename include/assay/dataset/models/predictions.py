"""The one document whose numbers were not measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.dataset.models.base import Document, Moment, Published, measured_in
from assay.dataset.models.benchmarks import RankingKey


class Method(Published):
    """How every estimate of the document was made, and where it stops."""

    model: str = Field(description="The law that is fitted.")
    source: str = Field(description="Whose formulas these are.")
    level: float = Field(
        ge=0.5,
        le=0.999,
        description="Probability that a prediction interval is made to hold a measured value with.",
        json_schema_extra=measured_in("ratio"),
    )
    min_sizes: int = Field(
        ge=3, description="Different sizes that must have been measured.", json_schema_extra=measured_in("count")
    )
    reach: float = Field(
        gt=1,
        description="How far beyond the smallest and largest measured size an estimate goes, as a factor.",
        json_schema_extra=measured_in("ratio"),
    )
    max_left_out_percent: float = Field(
        gt=0,
        description="Mean left-out error above which nothing is estimated, in percent.",
        json_schema_extra=measured_in("percent"),
    )


class Basis(Published):
    """A measured size that a law was fitted to."""

    instance: str = Field(description="Instance type; its value stands in the core documents.")
    vcpus: int = Field(ge=1, description="Its size: logical processors.", json_schema_extra=measured_in("count"))
    left_out_percent: float = Field(
        ge=0,
        description="How far the law, fitted without this type, misses its measured value, in percent of that.",
        json_schema_extra=measured_in("percent"),
    )


class SizeEstimate(Published):
    """An estimate. The field is not called `value`, so that nobody takes it for one."""

    estimate: float = Field(
        description="What the law says of this size, in `unit`: estimated, not measured.", json_schema_extra=measured_in("@unit")
    )
    prediction_interval: tuple[float, float] = Field(
        description="Where a measured value is expected, at the method's level.", json_schema_extra=measured_in("@unit")
    )
    vcpus: int = Field(ge=1, description="Size that the estimate is for.", json_schema_extra=measured_in("count"))


class ScalingLaw(Published):
    """One metric of one family: the law, what it rests on, how far it misses, and the estimates."""

    key: RankingKey = Field(description="Ranking key that all values behind the law share.")
    unit: str = Field(description="Unit of every estimate here.")
    exponent: float = Field(description="b of value = e^a x vcpus^b.", json_schema_extra=measured_in("ratio"))
    residual_sd: float = Field(
        ge=0,
        description="Standard deviation of log(value) around the law, n - 2 degrees of freedom.",
        json_schema_extra=measured_in("ratio"),
    )
    mean_left_out_percent: float = Field(
        ge=0, description="Mean of the left-out errors below, in percent.", json_schema_extra=measured_in("percent")
    )
    based_on: list[Basis] = Field(
        min_length=1, description="The measured sizes, smallest first; of `min_sizes` different ones at least."
    )
    instances: dict[str, SizeEstimate] = Field(description="By instance type of the family that has no value for this key.")


class Refusal(Published):
    """What is not estimated, and why."""

    reason: str = Field(description="Why.")
    metrics: list[str] = Field(description="Names of the metrics that this holds for, sorted.")
    instances: list[str] = Field(description="Instance types that have no estimate for this reason, sorted.")


class PredictionsDocument(Document):
    """predictions.json: estimates for sizes that were not measured; nothing in it was measured."""

    last_updated: Moment = Field(
        description="End of the newest session that contributed, UTC; of the dataset's first where none did."
    )
    estimated: Literal[True] = Field(description="Always true: these are estimates, and never stand beside measured values.")
    method: Method = Field(description="How every estimate was made, and where it stops.")
    estimates: dict[str, dict[str, ScalingLaw]] = Field(description="By family, then by metric as rankings name them.")
    refused: dict[str, list[Refusal]] = Field(description="By family: what is not estimated, and why.")
