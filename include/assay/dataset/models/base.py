"""What every published document shares: the version, quantities, what is said of a type, and how absence is written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

SCHEMA_VERSION: Literal["1.1.0"] = "1.1.0"

Architecture = Literal["intel", "amd", "graviton", "other"]
ARCHITECTURES: tuple[Architecture, ...] = ("intel", "amd", "graviton", "other")

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$", description="UTC to the second.")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 as 64 hex digits.")]
SessionId = Annotated[str, Field(pattern=r"^\d{8}T\d{6}Z-[0-9a-f]{12}$", description="Id of a session.")]
Sources = Annotated[
    list[SessionId],
    Field(
        min_length=1, description="Ids of the sessions that the numbers here come from; `manifest.json` leads to their raw files."
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

    value: float = Field(description="Median over the executions, in `unit`.")
    unit: str = Field(description="Unit of `value`, of the interval and of the mean, such as `GB/s`, `GFLOPS` or `nanoseconds`.")
    sample_size: int = Field(ge=1, description="Executions behind the value (n).")
    sessions: int = Field(ge=1, description="Sessions that the executions belong to.")
    implementation: str = Field(description="Program that gave the number.")
    configuration: str = Field(description="What else makes it comparable: a name in this document's `configurations`.")
    sources: Sources


class Measured(Provisional):
    """A quantity from three executions or more: the median with its order-statistic confidence interval."""

    sample_size: int = Field(ge=3, description="Executions behind the value (n).")
    confidence_interval: tuple[float, float] = Field(description="Lower and upper bound of the median, in `unit`.")
    confidence_level: float = Field(gt=0, lt=1, description="Probability with which the interval covers the median (0.95: 95 %).")
    mean: float = Field(description="Arithmetic mean over the executions, in `unit`.")
    coefficient_variation: float | None = Field(
        None, ge=0, description="Standard deviation (n - 1) in percent of the mean; absent where the mean is zero."
    )
    variation_within_sessions: float | None = Field(
        None,
        ge=0,
        description="Spread of executions within a session, in percent of the mean; absent where it is zero or unknown.",
    )
    variation_between_sessions: float | None = Field(
        None, ge=0, description="Spread of the sessions' means, in percent of the mean; absent where it is zero or unknown."
    )
    outliers: int | None = Field(
        None, ge=1, description="Executions beyond 1.5 interquartile ranges from the quartiles; they are in every number."
    )
    summaries: int | None = Field(
        None, ge=1, description="Executions that are the mean of a summary, because the source gives no more."
    )
    quality: str | None = Field(None, description="Grade by n, sessions and spread; `metadata.json` defines the grades.")


class Subject(Published):
    """What was measured, as far as it is known."""

    instance_family: str = Field(description="Family of the instance type, such as `m7i`; `host` for a machine of no cloud.")
    architecture: Architecture = Field(description="Maker of the processor.")
    generation: int | None = Field(None, description="Generation of the family.")
    processor: str | None = Field(None, description="Processor model.")
    cpu_family: str | None = Field(None, pattern=r"^\d+$", description="Family of the processor, as it reports it, decimal.")
    cpu_model: str | None = Field(None, pattern=r"^\d+$", description="Model within that family, decimal.")
    memory_type: str | None = Field(None, description="Kind of memory, such as `DDR5`.")
    numa_nodes: int | None = Field(None, ge=1, description="NUMA nodes that the system reports.")
    vcpus: int | None = Field(None, ge=1, description="Logical processors.")
    physical_cores: int | None = Field(None, ge=1, description="Physical cores.")
    memory_bytes: int | None = Field(None, ge=1, description="Main memory in bytes.")
    l1d_bytes: int | None = Field(None, ge=1, description="L1 data cache of one core in bytes.")
    l2_bytes: int | None = Field(None, ge=1, description="One L2 cache in bytes.")
    l3_bytes: int | None = Field(None, ge=1, description="One L3 cache in bytes, as the system reports it.")
    vector_unit: str | None = Field(None, description="Widest vector unit that the processor reports, such as `avx512f`.")
    kernel: str | None = Field(None, description="Operating system kernel.")
    virtualization: str | None = Field(None, description="Hypervisor, or `none`.")


class Configuration(Published):
    """What must be equal before two numbers of the same metric may be compared: the ranking key less benchmark and metric."""

    implementation: str = Field(description="Program that gave the numbers.")
    version: str = Field(description="Version of that program.")
    threads: str = Field(description="Thread mode: `all`, `one` or `unknown`.")
    size_policy: str = Field(description="How the problem size was chosen.")
    build_flags: str = Field(description="Compiler and flags, where the program was built for the run.")


class Entry(Published):
    """What every type's entry carries beside its quantities."""

    metadata: Subject = Field(description="The machine that these numbers belong to.")
    sources: Sources
    warnings: dict[str, int] | None = Field(
        None, description="Rules that warned, by rule id: in how many of the sessions behind this entry."
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
