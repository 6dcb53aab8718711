"""A signal at a lower rate, block by block: a low-pass filter, and every n-th sample of what it lets through.

A linear-phase FIR filter (Hamming window, 20 taps for each step of the factor, as scipy.signal.decimate with `ftype="fir"`) with
its delay taken out, so that a sample stays at its time. Before the first and after the last sample the signal counts as constant.
Only the samples that are taken are computed. Written with NumPy alone: scipy.signal would take 80 MB and seconds to import.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

TARGET_HZ = 250.0
"""A signal of at least twice this rate is brought to the lowest whole fraction of its rate that is no less."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


def factor_for(rate: float) -> int:
    """By how much a signal of this rate (Hz) is thinned out: 1 leaves it as it is."""
    return max(1, int(rate // TARGET_HZ))


def low_pass(factor: int) -> Floats:
    """Taps of a filter that lets through what a rate lower by this factor can hold; they sum to 1 (scipy.signal.firwin)."""
    places = np.arange(-10 * factor, 10 * factor + 1)
    taps = np.sinc(places / factor) * np.hamming(len(places))
    return np.asarray(taps / taps.sum(), dtype=np.float64)


class Decimator:
    """Takes blocks of a continuous signal, gives blocks of the thinned one. The result does not depend on how it was cut."""

    def __init__(self, factor: int) -> None:
        self.factor = factor
        self._taps = low_pass(factor) if factor > 1 else np.ones(1)
        self._waiting: Floats | None = None

    def push(self, values: Floats) -> Floats:
        """The samples that this block completes."""
        if self.factor == 1 or not len(values):
            return values
        if self._waiting is None:
            self._waiting = np.full(len(self._taps) // 2, values[0])
        return self._take(values)

    def finish(self) -> Floats:
        """The samples that were still on their way; the next block begins a new signal."""
        if self._waiting is None:
            return np.empty(0)
        rest = self._take(np.full(len(self._taps) // 2, self._waiting[-1]))
        self._waiting = None
        return rest

    def _take(self, values: Floats) -> Floats:
        """What waits always begins with the first sample under the filter for the next one that is taken."""
        assert self._waiting is not None
        waiting = np.concatenate((self._waiting, values))
        if len(waiting) < len(self._taps):
            self._waiting = waiting
            return np.empty(0)
        taken = sliding_window_view(waiting, len(self._taps))[:: self.factor] @ self._taps
        self._waiting = waiting[len(taken) * self.factor :].copy()
        return np.asarray(taken, dtype=np.float64)
