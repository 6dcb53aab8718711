"""Which readers there are: a module in the room `tools` or `sources` is a reader by being there."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol, cast

from assay.measurement import Execution, Measurement
from assay.read import sources, tools
from assay.read.content import SessionContent
from assay.session import Manifest

DEFAULT_OUTPUT = "stdout.txt"


class ToolReader(Protocol):
    """A module in `read/tools`: reads what one program prints."""

    TOOL: str
    BENCHMARK: str

    def read(self, raw: str, context: Execution) -> list[Measurement]:
        """Every measurement in the output. Raises Unreadable; never returns a part."""


class SourceReader(Protocol):
    """A module in `read/sources`: reads a session as one kind of source lays it out."""

    SOURCE: str

    def read_session(self, manifest: Manifest, files: Mapping[str, bytes]) -> SessionContent:
        """Everything in the session; what cannot be read becomes a problem, never an exception."""


@cache
def tool_readers() -> Mapping[str, ToolReader]:
    """Readers of programs' output by the program's name."""
    return {module.TOOL: cast(ToolReader, module) for module in _modules(tools, "TOOL")}


@cache
def source_readers() -> Mapping[str, SourceReader]:
    """Readers of sessions by the source's name."""
    return {module.SOURCE: cast(SourceReader, module) for module in _modules(sources, "SOURCE")}


def output_of(reader: ToolReader) -> str:
    """The file of an execution that the reader wants."""
    return str(getattr(reader, "OUTPUT", DEFAULT_OUTPUT))


def _modules(room: ModuleType, mark: str) -> Iterator[ModuleType]:
    """The modules of a room that carry the mark. Raises TypeError for two of the same name: one would hide the other."""
    seen: dict[str, str] = {}
    for entry in sorted(pkgutil.iter_modules(room.__path__), key=lambda entry: entry.name):
        if entry.name.startswith("_"):
            continue
        module = import_module(f"{room.__name__}.{entry.name}")
        name = getattr(module, mark, None)
        if name is None:
            continue
        if name in seen:
            raise TypeError(f"{room.__name__}: {seen[name]} and {entry.name} both read {name!r}")
        seen[name] = entry.name
        yield module
