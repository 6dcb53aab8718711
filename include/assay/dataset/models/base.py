"""What every published document shares: the version, quantities, what is said of a type, and how absence is written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from assay.measurement import IN_UNIT, MEASUREMENT_COLUMNS, UNITS
from assay.statistic import STATISTIC_UNITS, says

SCHEMA_VERSION: Literal["1.1.0"] = "1.1.0"

Architecture = Literal["intel", "amd", "graviton", "other"]
ARCHITECTURES: tuple[Architecture, ...] = ("intel", "amd", "graviton", "other")

DOCUMENT_UNITS = {
    **UNITS,
    "count": "how many of them",
    "bytes": "bytes",
    "ordinal": "a place in an order; differences mean nothing",
    "currency/h": "the document's currency per hour",
    IN_UNIT: "as the field `unit` says, of this object or of the nearest one around it that has one",
}
"""What the annotation `x-unit` of a numeric field may say, and what it means."""


def measured_in(*units: str) -> JsonDict:
    """For `json_schema_extra` of a numeric field: its unit, of DOCUMENT_UNITS; several where `unit` decides between them."""
    return {"x-unit": units[0] if len(units) == 1 else list(units)}


def quantity_in(*units: str) -> JsonDict:
    """For `json_schema_extra` of a field that holds a quantity: the units that it may have. Validated, not only said."""
    return {**measured_in(*units), "properties": {"unit": {"enum": list(units)}}}


def _statistic(column: str, default: Any = ..., *, absent: str = "", **bounds: Any) -> Any:
    # The words and the unit of a column of the statistics: the table and the document cannot come to differ.
    unit = measured_in(STATISTIC_UNITS[column]) if column in STATISTIC_UNITS else None
    text = says(column) + (f" Absent {absent}." if absent else "")
    return Field(default, description=text, json_schema_extra=unit, **bounds)


def column_says(name: str) -> Any:
    """A field that holds a column of the tidy table, in the column's own words."""
    return Field(description=MEASUREMENT_COLUMNS[name][1])


Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$", description="UTC to the second.")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 as 64 hex digits.")]
SessionId = Annotated[str, Field(pattern=r"^\d{8}T\d{6}Z-[0-9a-f]{12}$", description="Id of a session.")]
Sources = Annotated[
    list[SessionId],
    Field(
        min_length=1,
        description=f"{says('session_ids')} `manifest.json` leads to their raw files. "
        "Of a quantity with more than 20 that are those of its entry only the newest: the entry lists all.",
    ),
]


class Published(BaseModel):
    """A part of a document. More fields are allowed; a value that was not measured is absent, never null and never zero."""

    model_config = ConfigDict(extra="allow")


class Document(Published):
    """A published document."""

    schema_version: Literal["1.1.0"] = Field(description="Version of the contract that this document keeps.")


class Provisional(Published):
    """A quantity from fewer than three executions: no interval, in no ranking."""

    value: float = _statistic("median")
    unit: str = Field(description="Unit of `value`, of the interval and of the mean, such as `GB/s`, `GFLOPS` or `nanoseconds`.")
    sample_size: int = _statistic("n", ge=1)
    sessions: int = _statistic("sessions", ge=1)
    implementation: str = column_says("implementation")
    configuration: str = Field(description="What else makes it comparable: a name in this document's `configurations`.")
    sources: Sources


class Measured(Provisional):
    """A quantity from three executions or more: the median with its order-statistic confidence interval."""

    sample_size: int = _statistic("n", ge=3)
    confidence_interval: tuple[float, float] = Field(
        description="Lower and upper end of the median's order-statistic interval.",
        json_schema_extra=measured_in(STATISTIC_UNITS["ci_low"]),
    )
    confidence_level: float = _statistic("confidence_level", gt=0, lt=1)
    mean: float = _statistic("mean")
    coefficient_variation: float | None = _statistic("cv", None, absent="where the mean is zero", ge=0)
    variation_within_sessions: float | None = _statistic("cv_within", None, absent="where it is zero or not known", ge=0)
    variation_between_sessions: float | None = _statistic("cv_between", None, absent="where it is zero or not known", ge=0)
    outliers: int | None = _statistic("outliers", None, absent="where it is zero or not known", ge=1)
    summaries: int | None = _statistic("summaries", None, absent="where it is zero or not known", ge=1)
    quality: str | None = _statistic("quality", None)


class Subject(Published):
    """What was measured, as far as it is known."""

    instance_family: str = Field(description="Family of the instance type, such as `m7i`; `host` for a machine of no cloud.")
    architecture: Architecture = Field(description="Maker of the processor.")
    generation: int | None = Field(None, description="Generation of the family.", json_schema_extra=measured_in("ordinal"))
    processor: str | None = Field(None, description="Processor model.")
    cpu_family: str | None = Field(None, pattern=r"^\d+$", description="Family of the processor, as it reports it, decimal.")
    cpu_model: str | None = Field(None, pattern=r"^\d+$", description="Model within that family, decimal.")
    memory_type: str | None = Field(None, description="Kind of memory, such as `DDR5`.")
    numa_nodes: int | None = Field(
        None, ge=1, description="NUMA nodes that the system reports.", json_schema_extra=measured_in("count")
    )
    vcpus: int | None = Field(None, ge=1, description="Logical processors.", json_schema_extra=measured_in("count"))
    physical_cores: int | None = Field(None, ge=1, description="Physical cores.", json_schema_extra=measured_in("count"))
    memory_bytes: int | None = Field(None, ge=1, description="Main memory in bytes.", json_schema_extra=measured_in("bytes"))
    l1d_bytes: int | None = Field(
        None, ge=1, description="L1 data cache of one core in bytes.", json_schema_extra=measured_in("bytes")
    )
    l2_bytes: int | None = Field(None, ge=1, description="One L2 cache in bytes.", json_schema_extra=measured_in("bytes"))
    l3_bytes: int | None = Field(
        None, ge=1, description="One L3 cache in bytes, as the system reports it.", json_schema_extra=measured_in("bytes")
    )
    burstable: Literal[True] | None = Field(
        None, description="There where EC2 lets it run above a baseline on CPU credits: its numbers depend on the credits left."
    )
    vector_unit: str | None = Field(None, description="Widest vector unit that the processor reports, such as `avx512f`.")
    kernel: str | None = Field(None, description="Operating system kernel.")
    virtualization: str | None = Field(None, description="Hypervisor, or `none`.")


class Configuration(Published):
    """What must be equal before two numbers of the same metric may be compared: the ranking key less benchmark and metric."""

    implementation: str = column_says("implementation")
    version: str = column_says("version")
    threads: str = column_says("threads")
    size_policy: str = column_says("size_policy")
    build_flags: str = column_says("build_flags")


class Entry(Published):
    """What every type's entry carries beside its quantities."""

    metadata: Subject = Field(description="The machine that these numbers belong to.")
    sources: Sources
    warnings: dict[str, int] | None = Field(
        None,
        description="Rules that warned, by rule id: in how many of the sessions behind this entry.",
        json_schema_extra=measured_in("count"),
    )


class OtherEntry(Entry):
    """A benchmark without a shape of its own: every further field is a metric."""

    __pydantic_extra__: dict[str, Measured]


class OtherProvisionalEntry(Entry):
    """A benchmark without a shape of its own, from fewer than three executions: every further field is a metric."""

    __pydantic_extra__: dict[str, Provisional]


class Variant(Published):
    """Numbers of a benchmark under another configuration than the one that fills its container."""

    instances: dict[str, dict[str, Measured | Provisional]] = Field(description="By instance type, then by metric.")


Variants = Annotated[
    dict[str, dict[str, Variant]],
    Field(
        description="Other configurations of a benchmark than the one that fills its container: "
        "by benchmark, then by configuration name."
    ),
]
Configurations = Annotated[
    dict[str, Configuration], Field(description="The configurations that quantities of this document name, by name.")
]


class AbsentNotNull(GenerateJsonSchema):
    """JSON Schema in which an optional field may be absent but not null, and class titles are the only titles.

    A required field that may be None stays nullable: there null says something.
    """

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema of a field that may be absent: without its default, and without the None that stands for absence."""
        inner = schema["schema"]
        return self.generate_inner(inner["schema"] if inner["type"] == "nullable" else inner)

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Field titles would only repeat the names."""
        return False
