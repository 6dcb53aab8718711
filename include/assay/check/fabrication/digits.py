"""How finely a number was printed. Two honest results can only agree as far as they were printed, so this is what a
coincidence is worth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

KEPT = 12
"""Significant digits that are looked at: beyond them a number carries the rounding of its own arithmetic (42.559999999999995)."""


class Printed(NamedTuple):
    """Numbers as decimal fractions: `whole` x 10^(`exponent` - KEPT + 1), with `digits` significant digits."""

    whole: NDArray[np.int64]
    exponent: NDArray[np.int64]
    digits: NDArray[np.int64]


def printed(values: NDArray[np.float64]) -> Printed:
    """The numbers to KEPT significant digits; zero and what is not finite has no digit."""
    size = np.abs(values)
    real = np.isfinite(values) & (size > 0)
    size = np.where(real, size, 1.0)
    exponent = np.floor(np.log10(size)).astype(np.int64)
    whole = _scaled(size, exponent)
    # The logarithm may miss a power of ten by one step, and rounding may reach the next.
    exponent += np.where(whole >= 10**KEPT, 1, 0) - np.where(whole < 10 ** (KEPT - 1), 1, 0)
    whole = _scaled(size, exponent)
    zeros = np.zeros(values.shape, dtype=np.int64)
    for power in range(1, KEPT):
        zeros += whole % 10**power == 0
    whole = np.where(real, whole * np.sign(np.where(real, values, 1.0)).astype(np.int64), 0)
    return Printed(whole, np.where(real, exponent, 0), np.where(real, KEPT - zeros, 0))


def resolution(shown: Printed, values: NDArray[np.float64], units: NDArray[np.int64]) -> NDArray[np.float64]:
    """The last printed place of each number relative to the number; 1 for zero. Rows are results, columns metrics.

    Trailing zeros do not show: 42.94 beside 39.995 was 42.940. So the places of a result's numbers in one unit (`units`: a number
    for each column) are taken together: as many decimals as the finest of them has, but no more digits than the longest.
    """
    place = np.zeros(values.shape, dtype=np.float64)
    decimals = shown.digits - 1 - shown.exponent
    for unit in np.unique(units):
        columns = units == unit
        some = shown.digits[:, columns] > 0
        most_decimals = np.where(some, decimals[:, columns], -400).max(axis=1, keepdims=True)
        longest = shown.digits[:, columns].max(axis=1, keepdims=True)
        place[:, columns] = np.maximum(-most_decimals, shown.exponent[:, columns] - longest + 1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        relative = 10.0**place / np.abs(values)
    return np.where(shown.digits > 0, np.minimum(np.nan_to_num(relative, nan=1.0), 1.0), 1.0)


def _scaled(size: NDArray[np.float64], exponent: NDArray[np.int64]) -> NDArray[np.int64]:
    # Two steps, because 10^(KEPT - 1 - exponent) alone leaves the range of a double for the smallest numbers.
    power = KEPT - 1 - exponent
    first = np.clip(power, -300, 300)
    scaled = size * 10.0**first * 10.0 ** (power - first)
    whole: NDArray[np.int64] = np.rint(np.clip(scaled, 0, 2.0**62)).astype(np.int64)
    return whole
