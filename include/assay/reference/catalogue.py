"""The instance catalogue: what is known of an EC2 instance type, from facts and never from a result file.

The facts lie in `instance_types.json` beside this module, with their source and date; `python -m assay.reference.generate`
writes it. A type that is not there is not known: its facts stay absent, whatever its name suggests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from assay.reference.names import parse_type
from assay.reference.processors import Processor, by_family

DATA_FILE = Path(__file__).with_name("instance_types.json")

_ARCHITECTURES = {"Intel": "intel", "AMD": "amd", "AWS": "graviton"}
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class InstanceType:
    """The facts of one instance type. None: not known."""

    instance_type: str
    instance_family: str
    series: str
    """Letters before the generation: `m`, `c`, `r`, `t`, `hpc`, ..."""
    generation: int | None
    architecture: str
    """`intel`, `amd`, `graviton` or `other`."""
    isa: tuple[str, ...]
    """Instruction sets as EC2 names them: `x86_64`, `arm64`, `i386`, ..."""
    vcpus: int
    cores: int
    threads_per_core: int
    memory_bytes: int
    burstable: bool
    bare_metal: bool
    sustained_clock_ghz: float | None
    processor: str | None
    memory_type: str | None


class Row(msgspec.Struct, array_like=True, frozen=True):
    """One line of the data file."""

    instance_type: str
    manufacturer: str
    isa: tuple[str, ...]
    vcpus: int
    cores: int
    threads_per_core: int
    memory_mib: int
    burstable: bool
    bare_metal: bool
    sustained_clock_ghz: float | None


class Table(msgspec.Struct, frozen=True):
    """The data file: where the facts are from, as of when, and one row a type."""

    source: str
    as_of: str
    columns: tuple[str, ...]
    types: tuple[Row, ...]


def lookup(instance_type: str) -> InstanceType | None:
    """The facts of an instance type, or None where the catalogue does not know it."""
    return _catalogue().get(instance_type)


def facts(instance_type: str) -> dict[str, Any]:
    """The known facts of an instance type by name, for a session's profile; empty where the type is not known."""
    return _facts().get(instance_type, {})


def names() -> tuple[str, ...]:
    """Every instance type that the catalogue knows, sorted."""
    return tuple(sorted(_catalogue()))


def frame() -> pd.DataFrame:
    """The whole catalogue, one row a type sorted by name, columns as the fields of InstanceType; for joins on
    `instance_type`."""
    table = pd.DataFrame([_values(_catalogue()[name]) for name in sorted(_catalogue())])
    text = ("instance_type", "instance_family", "series", "architecture", "processor", "memory_type")
    return table.astype({"generation": "Int64"} | dict.fromkeys(text, "string"))


def source() -> tuple[str, str]:
    """Where the facts are from and as of when, for `metadata.json` and the documentation."""
    table = _table()
    return table.source, table.as_of


@cache
def _table() -> Table:
    return msgspec.json.decode(DATA_FILE.read_bytes(), type=Table)


@cache
def _catalogue() -> dict[str, InstanceType]:
    processors = by_family()
    return {row.instance_type: _instance_type(row, processors) for row in _table().types}


@cache
def _facts() -> dict[str, dict[str, Any]]:
    return {
        name: {key: value for key, value in _values(known).items() if value is not None} for name, known in _catalogue().items()
    }


def _values(known: InstanceType) -> dict[str, Any]:
    return {name: getattr(known, name) for name in InstanceType.__slots__}


def _instance_type(row: Row, processors: Mapping[str, Processor]) -> InstanceType:
    name = parse_type(row.instance_type)
    processor = processors.get(name.family)
    return InstanceType(
        instance_type=row.instance_type,
        instance_family=name.family,
        series=name.series,
        generation=name.generation,
        architecture=_ARCHITECTURES.get(row.manufacturer, "other"),
        isa=row.isa,
        vcpus=row.vcpus,
        cores=row.cores,
        threads_per_core=row.threads_per_core,
        memory_bytes=row.memory_mib * _MIB,
        burstable=row.burstable,
        bare_metal=row.bare_metal,
        sustained_clock_ghz=row.sustained_clock_ghz,
        processor=processor.name if processor else None,
        memory_type=processor.memory_type if processor else None,
    )
