"""The shapes of an AWS Instance Benchmarks result, decoded with types.

The payload lies under `performance_data` (first shape) or under `performance`, there below `memory` or `cpu`, one object per
suite. Fields that are not named here are skipped: more fields never make a shape unknown. Recorded shapes:
tests/unit/importers/shapes.py.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from assay.errors import Unreadable

_T = TypeVar("_T")


class Kernel(msgspec.Struct, gc=False):
    """One kernel of STREAM. `std_dev` where the source ran it several times and `bandwidth` is their mean."""

    bandwidth: float | None = None
    unit: str | None = None
    std_dev: float | None = None


class Stream(msgspec.Struct):
    """The four kernels of STREAM."""

    copy: Kernel | None = None
    scale: Kernel | None = None
    add: Kernel | None = None
    triad: Kernel | None = None


class Hpl(msgspec.Struct, gc=False):
    """What the source calls HPL."""

    gflops: float | None = None
    execution_time: float | None = None
    matrix_size: float | None = None
    residual: float | None = None
    std_dev: float | None = None
    unit: str | None = None
    time_unit: str | None = None


class Level(msgspec.Struct, gc=False):
    """One level of the memory hierarchy, measured with a working set of `size_kb`."""

    access_time: float | None = None
    size_kb: float | None = None
    unit: str | None = None
    std_dev: float | None = None


class Cache(msgspec.Struct):
    """Access times from the first level to memory."""

    l1: Level | None = None
    l2: Level | None = None
    l3: Level | None = None
    memory: Level | None = None


class CoreMark(msgspec.Struct, gc=False):
    """What the source calls CoreMark."""

    score: float | None = None
    execution_time: float | None = None
    iterations: float | None = None
    score_std_dev: float | None = None
    unit: str | None = None
    time_unit: str | None = None


class Inner(msgspec.Struct):
    """The payload's own metadata: the end of the run, and over how many runs the numbers are means."""

    timestamp: Any = None
    instance_type: Any = msgspec.field(default=None, name="instanceType")
    iterations: Any = None


class Payload(msgspec.Struct):
    """Results by suite."""

    stream: Stream | None = None
    hpl: Hpl | None = None
    cache: Cache | None = None
    coremark: CoreMark | None = None
    metadata: Inner | None = None


class Performance(Payload):
    """The payload of the later shapes, which sorts the suites into two groups."""

    memory: Payload | None = None
    cpu: Payload | None = None


class Environment(msgspec.Struct):
    """Where the suite ran."""

    container_image: Any = msgspec.field(default=None, name="containerImage")


class Metadata(msgspec.Struct):
    """What the run says it was."""

    timestamp: Any = None
    benchmark_suite: Any = None
    duration_seconds: Any = None
    instance_family: Any = msgspec.field(default=None, name="instanceFamily")
    processor_architecture: Any = msgspec.field(default=None, name="processorArchitecture")
    region: Any = None
    instance_id: Any = None
    environment: Environment | None = None


class Context(msgspec.Struct):
    """How the suite was built, as the run says."""

    benchmark_version: Any = None
    compiler_optimizations: Any = None


class System(msgspec.Struct):
    """What the run says of its machine. The addresses are looked at for being there, never handed on."""

    architecture: Any = None
    instance_family: Any = None
    private_ip: Any = None
    public_ip: Any = None
    status: Any = None


class Checksums(msgspec.Struct):
    """Digests that the run states of itself."""

    md5: Any = None
    sha256: Any = None


class Reproducibility(msgspec.Struct):
    """How far the run says that it can be repeated."""

    runs: Any = None
    confidence: Any = None


class Validation(msgspec.Struct):
    """What the run says of its own validity."""

    checksums: Checksums | None = None
    reproducibility: Reproducibility | None = None


class Document(msgspec.Struct):
    """A whole result."""

    schema_version: Any = None
    metadata: Metadata | None = None
    performance: Performance | None = None
    performance_data: Performance | None = None
    execution_context: Context | None = None
    system_info: System | None = None
    validation: Validation | None = None


_DOCUMENT = msgspec.json.Decoder(Document)


def decode(raw: bytes) -> Document:
    """The result with its types checked. Raises Unreadable with the place where the bytes are no such result."""
    try:
        return _DOCUMENT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)[:160] or type(error).__name__) from None


def decode_claims(raw: bytes) -> Document:
    """As much of the result's claims as can be read when the whole could not; without its payload."""
    document = _untyped(raw)
    return Document(
        schema_version=document.get("schema_version"),
        metadata=_converted(document.get("metadata"), Metadata),
        execution_context=_converted(document.get("execution_context"), Context),
        system_info=_converted(document.get("system_info"), System),
        validation=_converted(document.get("validation"), Validation),
    )


def payload_names(raw: bytes) -> list[str]:
    """The names of everything that the payload holds, known or not, sorted; empty where there is none."""
    names: set[str] = set()
    document = _untyped(raw)
    for top in ("performance", "performance_data"):
        performance = document.get(top)
        for group in (performance, *(_object(performance).get(name) for name in ("memory", "cpu"))):
            names |= {name for name, value in _object(group).items() if isinstance(value, dict)}
    return sorted(names - {"metadata", "memory", "cpu"})


def _untyped(raw: bytes) -> dict[str, Any]:
    try:
        return _object(msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _converted(value: object, kind: type[_T]) -> _T | None:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None
