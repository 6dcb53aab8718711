"""The words between the suite and its tools: what a machine offers, what a tool wants to run, and what is missing for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.agent.machine import Machine
    from assay.agent.toolchain import Workshop

ALL = "all"
ONE = "one"


class Missing(AssayError):
    """The machine lacks something that a tool needs; the message says what, and what would help."""


@dataclass(frozen=True)
class Build:
    """A program that was compiled for this run, and how."""

    program: Path
    compiler: str
    version: str
    flags: tuple[str, ...]
    source_sha256: str

    def document(self) -> dict[str, str]:
        """As written into execution.json."""
        return {
            "compiler": self.compiler,
            "version": self.version,
            "flags": " ".join(self.flags),
            "source_sha256": self.source_sha256,
        }


Conclude = Callable[[Mapping[str, bytes]], Mapping[str, Any]]
"""From the outputs by name to what only the outputs tell: `problem_size`, `size_policy`, `version`, `details`."""

Gauge = Callable[[Mapping[str, bytes]], Mapping[str, float]]
"""From the outputs by name to the values, by metric, whose spread decides whether the run is repeated."""


@dataclass(frozen=True)
class Run:
    """A command and everything that makes its numbers comparable; every execution of it is the same command again."""

    tool: str
    threads: str
    thread_count: int
    implementation: str
    version: str
    command: tuple[str, ...]
    size_policy: str
    problem_size: int | None
    timeout_s: float
    environment: Mapping[str, str] = field(default_factory=dict)
    build: Build | None = None
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    """Files that the command finds in its working folder."""
    outputs: tuple[str, ...] = ()
    """Files that it leaves in its working folder and that are kept beside stdout and stderr."""
    details: Mapping[str, Any] = field(default_factory=dict)
    conclude: Conclude | None = None
    gauge: Gauge | None = None
    foreign: bool = False
    """Not a program of ours: what it prints may name the machine and is masked."""

    @property
    def place(self) -> str:
        """The folder of its executions within the session."""
        return f"{self.tool}-{self.threads}"


class Tool(Protocol):
    """What a module in the room `agent/tools` offers."""

    NAME: str
    SAYS: str
    """What it measures, in a sentence."""
    OPTIONAL: bool
    """Where the machine cannot run it, `absent.json` says why, and it counts as missing only if it was asked for."""

    def plan(self, machine: Machine, workshop: Workshop, seconds: float) -> list[Run]:
        """The runs of one execution, each to take about `seconds` at most. Raises Missing."""
