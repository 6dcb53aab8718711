"""What reading a session gives: pure data, no judgement beyond whether a file could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.measurement import Execution, Measurement


@dataclass(frozen=True, slots=True)
class Problem:
    """A raw file, or a part of the session, that could not be read; it becomes a finding of the rule it names."""

    rule: str
    file: str
    value: str
    expected: str
    message: str


@dataclass(slots=True)
class SessionContent:
    """Everything that a source's reader found in one session.

    `profile` holds what the session says of its machine, for the checks and for the documents: `architecture`, `instance_family`,
    `processor`, `memory_type`, `numa_nodes`, ...; what a source merely claims and a catalogue may contradict is named
    `claimed_<field>`.
    """

    session: str
    subject: str
    measurements: list[tuple[Execution, Measurement, str]] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    profile: Mapping[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
