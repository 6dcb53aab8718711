"""What an operator asks a fleet for: instance types by name, family or pattern, where, how often, and the hard limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from assay.agent.repeats import Repeats
from assay.errors import FleetRefused
from assay.settings import Settings, is_region

MAX_PATTERNS = 50
MAX_MACHINES_PER_TYPE = 20

_PATTERN = re.compile(r"[a-z*?][a-z0-9*?-]{0,31}(?:\.[a-z0-9*?-]{1,31})?")


class Market(StrEnum):
    """How a machine is paid for."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"


@dataclass(frozen=True)
class Limits:
    """What a run may never go over; the plan stops it before it starts. Dollars in USD, all machines together."""

    dollars: float
    instances: int
    hours: float
    """The time that one machine may live."""


@dataclass(frozen=True)
class FleetRequest:
    """The order. `patterns`: as `m7i` (a family), `c7g.large` (a type), `r7*.large` (a pattern); `regions` in order of
    preference; `market` spot falls back to on-demand where there is no spot capacity."""

    patterns: tuple[str, ...]
    regions: tuple[str, ...]
    market: Market
    machines_per_type: int
    executions: int
    tool_seconds: int
    limits: Limits
    repeats: Repeats | None = None
    """How tools are run on beyond `executions`; None: they are not."""

    def __post_init__(self) -> None:
        if not self.regions or any(not is_region(name) for name in self.regions):
            raise FleetRefused(f"regions: found {', '.join(self.regions) or 'none'}; expected regions such as us-east-1")
        for name, value, most in (
            ("machines per type", self.machines_per_type, MAX_MACHINES_PER_TYPE),
            ("executions", self.executions, 100),
            ("tool seconds", self.tool_seconds, 600),
        ):
            if not 1 <= value <= most:
                raise FleetRefused(f"{name}: found {value}; expected 1 to {most}")
        if self.limits.dollars < 0 or self.limits.instances < 0 or not 0 < self.limits.hours <= 48:
            raise FleetRefused(f"limits: found {self.limits}; expected dollars and instances of 0 or more, and 0 to 48 hours")


def repeats_of(settings: Settings, executions: int) -> Repeats:
    """How often a machine runs its tools, by the settings: `executions` at least."""
    return Repeats(
        least=executions,
        most=settings.fleet_most_executions or 2 * executions,
        half_width_percent=settings.fleet_half_width_percent,
        seconds=60.0 * settings.fleet_budget_minutes,
    )


def read_patterns(words: Iterable[str]) -> tuple[str, ...]:
    """Patterns of instance types from words, which may hold several with commas or spaces between; a family is `family.*`.

    Raises FleetRefused for what cannot be a type, a family or a pattern, and where there is none.
    """
    found = [part for word in words for part in re.split(r"[\s,]+", word.strip()) if part]
    wrong = [part for part in found if not _PATTERN.fullmatch(part)]
    if wrong:
        raise FleetRefused(
            f"types: found {wrong[0][:60]!r}; expected a family (m7i), a type (c7g.large) or a pattern (r7*.large)"
        )
    if not found or len(found) > MAX_PATTERNS:
        raise FleetRefused(f"types: found {len(found)}; expected 1 to {MAX_PATTERNS} families, types or patterns, such as m7i")
    return tuple(dict.fromkeys(part if "." in part else f"{part}.*" for part in found))


def unmatched(patterns: Sequence[str], names: Iterable[str]) -> list[str]:
    """The patterns that no name matches."""
    names = list(names)
    return [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]


def matching(patterns: Sequence[str], names: Iterable[str]) -> list[str]:
    """The names that a pattern matches, sorted."""
    return sorted(name for name in set(names) if any(fnmatchcase(name, pattern) for pattern in patterns))
