"""The agent's two JSON documents, decoded with every type and bound checked; fields that are not known are let pass."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from assay.errors import Unreadable

MAX_DEPTH_ERROR = "nested too deep"

Text = Annotated[str, Meta(max_length=2_000)]
Word = Annotated[str, Meta(min_length=1, max_length=100)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Size = Annotated[int, Meta(ge=0, le=2**62)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class Build(msgspec.Struct, frozen=True):
    """How a program of ours was compiled."""

    compiler: Text
    version: Text
    flags: Text


class Document(msgspec.Struct, frozen=True):
    """`execution.json`: one run of a tool."""

    tool: Word
    execution: Annotated[int, Meta(ge=1, le=10_000)]
    threads: Literal["all", "one", "unknown"]
    status: Literal["started", "finished", "failed", "timeout", "missing"]
    thread_count: Count | None = None
    implementation: Text = "unknown"
    version: Text = "unknown"
    size_policy: Text = "unknown"
    build: Build | None = None
    problem_size: Size | None = None
    exit_code: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None = None
    error: Text = ""
    started_at: datetime | None = None
    duration_s: Seconds | None = None
    outputs: tuple[Text, ...] = ()
    details: dict[str, Any] = {}


class Cpu(msgspec.Struct, frozen=True):
    """The processor."""

    architecture: Text | None = None
    vendor: Text | None = None
    model_name: Text | None = None
    family: Text | None = None
    model: Text | None = None
    microcode: Text | None = None
    flags: tuple[Word, ...] = ()
    vector_bits: Count | None = None
    logical_cpus: Count | None = None
    usable_cpus: Count | None = None
    physical_cores: Count | None = None
    sockets: Count | None = None
    threads_per_core: Count | None = None


class Cache(msgspec.Struct, frozen=True):
    """One kind of cache."""

    level: Count
    type: Word
    bytes: Size
    instances: Count = 1
    shared_by: Count | None = None
    line_bytes: Count | None = None


class Clock(msgspec.Struct, frozen=True):
    """Clock policy."""

    governor: Text | None = None
    driver: Text | None = None
    max_khz: Count | None = None
    boost: bool | None = None


class Memory(msgspec.Struct, frozen=True):
    """Memory."""

    total_bytes: Size | None = None
    available_bytes: Size | None = None
    type: Text | None = None
    speed_mt_s: Count | None = None
    transparent_huge_pages: Text | None = None


class Numa(msgspec.Struct, frozen=True):
    """NUMA nodes."""

    nodes: Count | None = None


class Kernel(msgspec.Struct, frozen=True):
    """Kernel and distribution."""

    system: Text | None = None
    release: Text | None = None
    distribution: Text | None = None
    distribution_version: Text | None = None
    libc: Text | None = None


class Virtualization(msgspec.Struct, frozen=True):
    """What lies between the kernel and the hardware."""

    virtual: bool | None = None
    hypervisor: Text | None = None
    vendor: Text | None = None
    container: Text | None = None


class Load(msgspec.Struct, frozen=True):
    """How busy the machine was as the session began."""

    average_1m: Seconds | None = None
    busy_percent: Seconds | None = None
    steal_percent: Seconds | None = None


class Profile(msgspec.Struct, frozen=True):
    """`profile.json`: the machine."""

    profile_version: Literal[1]
    cpu: Cpu
    caches: tuple[Cache, ...] = ()
    clock: Clock = Clock()
    memory: Memory = Memory()
    numa: Numa = Numa()
    kernel: Kernel = Kernel()
    virtualization: Virtualization = Virtualization()
    load: Load = Load()


_Form = TypeVar("_Form")
_execution = msgspec.json.Decoder(Document)
_profile = msgspec.json.Decoder(Profile)


def decode_execution(raw: bytes) -> Document:
    """`execution.json`. Raises Unreadable if it is not UTF-8, not JSON, too deep, or a field has another type or bound."""
    document = _decode(_execution, raw)
    moment = document.started_at
    if moment is not None and (moment.tzinfo is None or not 1970 <= moment.astimezone(UTC).year <= 2200):
        raise Unreadable(f"started_at: found {moment.isoformat()}; expected a UTC time after 1970")
    return document


def decode_profile(raw: bytes) -> Profile:
    """`profile.json`. Raises Unreadable as `decode_execution`."""
    return _decode(_profile, raw)


def _decode(decoder: msgspec.json.Decoder[_Form], raw: bytes) -> _Form:
    try:
        raw.decode("utf-8")
        return decoder.decode(raw)
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is no UTF-8") from None
    except RecursionError:
        raise Unreadable(MAX_DEPTH_ERROR) from None
    except (msgspec.DecodeError, OverflowError) as error:
        raise Unreadable(str(error)) from None
