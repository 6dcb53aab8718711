"""What is wrong with a signal as it was recorded: gaps in time, and samples at the limits of the recorder."""

from __future__ import annotations

from typing import Any

import numpy as np

RUN = 3
"""So many samples at a limit, one after the other, are clipped: a single one may be a true peak."""

MAX_LISTED = 100


class Clipping:
    """Counts clipped samples over blocks; a run may go on from one block into the next."""

    def __init__(self, lowest: float, highest: float, step: float) -> None:
        self._low, self._high = lowest + step / 2, highest - step / 2
        self._run = 0
        self.clipped = 0

    def push(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        """Count the next block."""
        at_limit = (values <= self._low) | (values >= self._high)
        if not at_limit.any():
            self._run = 0
            return
        edges = np.flatnonzero(np.diff(np.concatenate(([0], at_limit.view(np.int8), [0]))))
        for start, end in ((int(each[0]), int(each[1])) for each in edges.reshape(-1, 2)):
            before = self._run if start == 0 else 0
            length = before + end - start
            if length >= RUN:
                self.clipped += length if before < RUN else end - start
            self._run = length if end == len(values) else 0
        if not at_limit[-1]:
            self._run = 0


class Gaps:
    """Where a signal stops and goes on later, or goes back in time: (start, seconds) from the end of what came before."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._end: float | None = None
        self.count = 0
        self.seconds = 0.0
        self.listed: list[tuple[float, float]] = []

    def push(self, start: float, samples: int) -> bool:
        """Note a block that starts at this time (s); whether it does not follow on the one before."""
        gap = 0.0 if self._end is None else start - self._end
        broken = abs(gap) > 0.5 / self._rate
        if broken and self._end is not None:
            self.count += 1
            self.seconds += gap
            if len(self.listed) < MAX_LISTED:
                self.listed.append((round(self._end, 6), round(gap, 6)))
        self._end = start + samples / self._rate
        return broken
