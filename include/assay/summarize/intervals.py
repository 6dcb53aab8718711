"""The order-statistic interval of the median: which ranks bound it, and with what confidence.

For n independent draws of any continuous distribution, the number of draws below its median is binomial with n and 1/2. So the
interval from the j-th to the k-th smallest draw covers the median with probability P(j <= B <= k - 1), whatever the distribution
(David and Nagaraja, Order Statistics, 2003, section 7.1; recommended for benchmarks by Hoefler and Belli, SC'15, rule 6).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

SMALLEST_N = 3
"""Under this many executions there is no interval."""

CONFIDENCE = 0.95
"""Confidence that an interval has at least, wherever n allows it (from 6 on); below, it is [min, max] with what that achieves."""


class MedianInterval(NamedTuple):
    """Ranks (from 0, both included) of the sorted values that bound the median, and the probability that they do."""

    low: int
    high: int
    level: float


class IntervalRanks(NamedTuple):
    """The same for many groups at once; where n is too small, ranks are 0 and the level is NaN."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    level: NDArray[np.float64]


@lru_cache(maxsize=65_536)
def median_interval(n: int) -> MedianInterval | None:
    """The interval for n draws, or None under SMALLEST_N.

    Up to 5 it is [min, max]; from 6 on it spans the fewest ranks that still give CONFIDENCE, of those the most confident, of two
    mirror images the lower. The choice looks at n only: choosing by the data would cover less than it says.
    """
    if n < SMALLEST_N:
        return None
    below = bdtr(np.arange(n + 1), n, 0.5)  # below[i] = P(B <= i)
    whole = float(below[n - 1] - below[0])  # [min, max]: P(1 <= B <= n - 1)
    if whole < CONFIDENCE:
        return MedianInterval(0, n - 1, whole)
    low = np.arange(1, n // 2 + 1)
    # The least k with P(low <= B <= k - 1) >= CONFIDENCE; the tolerance keeps rounding of `below` out of the choice.
    high = np.searchsorted(below, below[low - 1] + CONFIDENCE - 1e-12) + 1
    fits = high <= n
    low, high = low[fits], high[fits]
    level = below[high - 1] - below[low - 1]
    best = np.lexsort((low, -np.round(level, 10), high - low))[0]
    return MedianInterval(int(low[best]) - 1, int(high[best]) - 1, float(level[best]))


def interval_ranks(counts: NDArray[np.int64]) -> IntervalRanks:
    """`median_interval` for every count."""
    distinct, where = np.unique(counts, return_inverse=True)
    found = [median_interval(int(n)) or MedianInterval(0, 0, float("nan")) for n in distinct]
    low = np.array([each.low for each in found], dtype=np.int64)
    high = np.array([each.high for each in found], dtype=np.int64)
    level = np.array([each.level for each in found], dtype=np.float64)
    return IntervalRanks(low[where], high[where], level[where])
