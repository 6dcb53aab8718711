"""A signal at a lower rate, block by block: a low-pass filter, and every n-th sample of what it lets through.

A linear-phase FIR filter (Hamming window, 20 taps for each step of the factor, as scipy.signal.decimate with `ftype="fir"`) with
its delay taken out, so that a sample stays at its time. Before the first and after the last sample the signal counts as constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import firwin, lfilter, lfilter_zi

TARGET_HZ = 250.0
"""A signal of at least twice this rate is brought to the lowest whole fraction of its rate that is no less."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


def factor_for(rate: float) -> int:
    """By how much a signal of this rate (Hz) is thinned out: 1 leaves it as it is."""
    return max(1, int(rate // TARGET_HZ))


class Decimator:
    """Takes blocks of a continuous signal, gives blocks of the thinned one. The result does not depend on how it was cut."""

    def __init__(self, factor: int) -> None:
        self.factor = factor
        half = 10 * factor
        self._taps = firwin(2 * half + 1, 1.0 / factor, window="hamming") if factor > 1 else np.ones(1)
        self._delay = half if factor > 1 else 0
        self._state: Floats | None = None
        self._skip = self._delay
        self._phase = 0
        self._last = 0.0

    def push(self, values: Floats) -> Floats:
        """The samples that this block completes."""
        if self.factor == 1 or not len(values):
            return values
        if self._state is None:
            self._state = lfilter_zi(self._taps, 1.0) * values[0]
        self._last = float(values[-1])
        return self._take(values)

    def finish(self) -> Floats:
        """The samples that were still on their way; the next block begins a new signal."""
        if self._state is None:
            return np.empty(0)
        rest = self._take(np.full(self._delay, self._last))
        self._state, self._skip, self._phase = None, self._delay, 0
        return rest

    def _take(self, values: Floats) -> Floats:
        filtered, self._state = lfilter(self._taps, 1.0, values, zi=self._state)
        skipped = min(self._skip, len(filtered))
        self._skip -= skipped
        filtered = filtered[skipped:]
        taken = filtered[self._phase :: self.factor]
        # How many samples of the next block come before the next one that is taken.
        self._phase = (self._phase - len(filtered)) % self.factor
        return np.asarray(taken, dtype=np.float64)
