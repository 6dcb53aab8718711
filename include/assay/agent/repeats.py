"""How often a tool is run: until the interval of its median is narrow enough, or the executions or the time are used up.

The interval is the one that is published: order statistics, with a confidence of 95 % or more, which six executions are the
first to reach. Whoever stops when the numbers look good makes them look a little better than they are, so the least number of
executions is always run, and the manifest says why each tool ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

CONFIDENCE = 0.95
LEAST_FOR_AN_INTERVAL = 6
"""Executions from which on [min, max] covers the median with that confidence: 1 - 2 / 2^6 = 0.969."""

AS_ASKED, NARROW, MOST, TIME, NO_VALUE = "as asked", "narrow enough", "most executions", "time is up", "no value"


@dataclass(frozen=True)
class Repeats:
    """`least` and `most` executions of every tool, the half width of the interval (percent of the median) that is enough, and
    the seconds after which only the least is still run. 0: no such width, no such limit."""

    least: int = 2
    most: int = 2
    half_width_percent: float = 0.0
    seconds: float = 0.0

    @property
    def limit(self) -> int:
        """Executions that there can be: more than the least only where an interval is asked for and can be reached."""
        return self.most if self.half_width_percent > 0 and self.most >= max(LEAST_FOR_AN_INTERVAL, self.least) else self.least


@dataclass
class Watch:
    """What one run of a tool has given so far, and why it is not run again once that is so."""

    repeats: Repeats
    executions: int = 0
    stopped: str = ""
    _values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, values: Mapping[str, float], took_s: float, elapsed_s: float) -> None:
        """Another execution with these values, by metric, that took so long; `elapsed_s`: since the session began."""
        self.executions += 1
        for metric, value in values.items():
            self._values.setdefault(metric, []).append(value)
        repeats, width = self.repeats, self.half_width_percent()
        if self.executions < repeats.least:
            return
        if repeats.limit == repeats.least:
            self.stopped = AS_ASKED
        elif not self._values:
            self.stopped = NO_VALUE
        elif width is not None and width <= repeats.half_width_percent:
            self.stopped = NARROW
        elif self.executions >= repeats.limit:
            self.stopped = MOST
        elif 0 < repeats.seconds < elapsed_s + took_s:
            self.stopped = TIME

    def half_width_percent(self) -> float | None:
        """Half the width of the interval in percent of the median, of the metric with the widest; None: too few values."""
        widths = [half_width_percent(values) for values in self._values.values()]
        return None if not widths or None in widths else max(width for width in widths if width is not None)

    def says(self) -> str:
        """Why it ended, for the manifest: as in `narrow enough: 7 executions, half width 1.4 %, 2 % asked for`."""
        width = self.half_width_percent()
        found = "no interval" if width is None else f"half width {width:.2g} %"
        return f"{self.stopped}: {self.executions} executions, {found}, {self.repeats.half_width_percent:g} % asked for"


def half_width_percent(values: list[float]) -> float | None:
    """Half the width of the 95 % interval of the median, in percent of the median; None for too few or for no positive median."""
    ranks = median_ranks(len(values))
    if ranks is None:
        return None
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return 50 * (ordered[ranks[1]] - ordered[ranks[0]]) / middle if middle > 0 else None


@lru_cache(maxsize=1024)
def median_ranks(n: int) -> tuple[int, int] | None:
    """Ranks (from 0) of the values that bound the median with 95 % or more; None where n is too small.

    The fewest ranks that do, of those the most confident, of two mirror images the lower: as `assay.summarize.intervals`, which
    the agent does not carry, chooses them.
    """
    if n < LEAST_FOR_AN_INTERVAL:
        return None
    total, below = 2**n, [0]
    for draws in range(n + 1):
        below.append(below[-1] + math.comb(n, draws))  # below[i]: 2^n P(B < i)
    found = []
    for low in range(1, n // 2 + 1):
        for high in range(low + 1, n + 1):
            level = (below[high] - below[low]) / total  # P(low <= B <= high - 1)
            if level >= CONFIDENCE - 1e-12:
                found.append((high - low, -round(level, 10), low - 1, high - 1))
                break
    _, _, low, high = min(found)
    return low, high
