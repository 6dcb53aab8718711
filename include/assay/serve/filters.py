"""What one may ask for: every parameter typed, bounded, described, and refused when it is unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from assay.dataset.models.base import Architecture
from assay.session import SessionKind

MAX_LIMIT = 500
MAX_VALUES = 50
MAX_OFFSET = 10_000_000

Text = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Quality = Literal["A", "B", "C", "D"]


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None or not 1971 <= moment.year <= 9000:
        raise ValueError("a time from 1971 on with its UTC offset, as 2024-11-20T09:30:11Z")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class Paged(BaseModel):
    """A page of a list whose order is fixed."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="Rows of a page.", examples=[100])
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Rows to leave out; `next` of a page leads on.", examples=[0])


class Machines(Paged):
    """Filters on the machine that was measured; several values of one parameter are alternatives, parameters add up."""

    family: list[Text] = Field(
        [], max_length=MAX_VALUES, description="Instance families, such as `m7i`; `host` is a machine that is no EC2 instance.",
        examples=[["m7i", "c7g"]],
    )  # fmt: skip
    architecture: list[Architecture] = Field([], max_length=MAX_VALUES, description="Architectures.", examples=[["intel"]])
    instance: list[Text] = Field(
        [], max_length=MAX_VALUES, description="Instance types or host labels.", examples=[["m7i.large"]]
    )
    benchmark: list[Text] = Field([], max_length=MAX_VALUES, description="Benchmarks.", examples=[["stream"]])
    metric: list[Text] = Field(
        [], max_length=MAX_VALUES, description="Metrics, alone or as `<benchmark>.<metric>`.",
        examples=[["triad_bandwidth", "hpl.gflops"]],
    )  # fmt: skip
    threads: list[Text] = Field([], max_length=MAX_VALUES, description="Thread modes.", examples=[["all"]])
    implementation: list[Text] = Field(
        [], max_length=MAX_VALUES, description="Programs that gave the numbers.", examples=[["assay-stream"]]
    )
    quality: list[Quality] = Field(
        [], max_length=4, description="Quality grades; `metadata.json` defines them.", examples=[["A"]]
    )
    min_n: int = Field(1, ge=1, le=1_000_000, description="Fewest executions behind a value.", examples=[3])


class StatisticFilter(Machines):
    """Which statistics."""


class RankingFilter(Machines):
    """Which rankings, and which types are ranked in them."""

    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="Rankings of a page.", examples=[20])
    top: int = Field(
        50, ge=1, le=1_000, description="Most members of a ranking; `members` says how many there are.", examples=[10]
    )


class SessionFilter(Paged):
    """Which sessions."""

    state: list[Literal["arrived", "verified", "read", "judged"]] = Field(
        [], max_length=4, description="Where they stand on their path.", examples=[["judged"]]
    )
    verdict: list[Literal["accepted", "accepted with warnings", "quarantined", "rejected"]] = Field(
        [], max_length=4, description="Their verdicts; a session has none before it is judged.", examples=[["accepted"]]
    )
    published: bool | None = Field(
        None, description="Whether their numbers are in a published snapshot; left out: all.", examples=[False]
    )
    instance: list[Name] = Field(
        [], max_length=MAX_VALUES, description="Instance types or host labels.", examples=[["m7i.large"]]
    )
    kind: list[SessionKind] = Field([], max_length=4, description="Kinds of session.", examples=[["instance_benchmark"]])
    started_from: Moment | None = Field(None, description="Started then or later.", examples=["2024-11-01T00:00:00Z"])
    started_before: Moment | None = Field(None, description="Started before then.", examples=["2024-12-01T00:00:00Z"])
