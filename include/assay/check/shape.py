"""The form of repeated values: drift along a run, and two levels instead of one. Vectorised over all runs of a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from assay.summarize.sorted_rows import Numbers, by_number, run_starts


def rank_correlation(group: Numbers, value: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spearman's correlation of value and position in each group, and its two-sided p-value (t approximation).

    `group`: ascending numbers from 0; rows in the order of time. Ties share the mean of their ranks. A group without any
    spread, or of fewer than three values, has correlation 0 and p 1.
    """
    starts = run_starts(group)
    n = np.diff(np.append(starts, len(group)))
    time = np.arange(len(group)) - np.repeat(starts, n)
    rank = _ranks(group, value, starts, n)
    centered_time = time - np.repeat((n - 1) / 2, n)
    centered_rank = rank - np.repeat((n - 1) / 2, n)
    both = np.add.reduceat(centered_time * centered_rank, starts)
    spread = np.add.reduceat(centered_time**2, starts) * np.add.reduceat(centered_rank**2, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(spread > 0, both / np.sqrt(spread), 0.0)
        t = np.abs(r) * np.sqrt((n - 2) / np.maximum(1 - r**2, 1e-12))
        p = np.where(n > 2, 2 * (1 - stdtr(np.maximum(n - 2, 1), t)), 1.0)
    return r, np.where(spread > 0, p, 1.0)


def two_levels(group: Numbers, value: NDArray[np.float64], least_share: float) -> tuple[NDArray[np.float64], ...]:
    """The best split of each group into a lower and an upper part: means of both, and their distance in standard deviations.

    The split with the least squared error (Otsu, 1979) of those that leave at least a share of the values on each side; the
    distance is Ashman's D (1994): |difference of the means| / sqrt(mean of the variances). One bell gives about 2.7, clearly
    two levels over 5.
    """
    order = by_number(group, np.argsort(value))
    group, value = group[order], value[order]
    starts = run_starts(group)
    n = np.diff(np.append(starts, len(group)))
    value = value - np.repeat(np.add.reduceat(value, starts) / n, n)  # centered: sums of squares keep their digits
    before = np.concatenate([[0.0], np.cumsum(value)])
    squares = np.concatenate([[0.0], np.cumsum(value**2)])
    begin, size = np.repeat(starts, n), np.repeat(n, n)
    at = np.arange(len(value)) + 1  # the lower part ends before `at`
    low_n = (at - begin).astype(np.float64)
    high_n = np.maximum(size - low_n, 1)
    low_sum, low_squares = before[at] - before[begin], squares[at] - squares[begin]
    high_sum, high_squares = before[begin + size] - before[at], squares[begin + size] - squares[at]
    low_error, high_error = low_squares - low_sum**2 / low_n, high_squares - high_sum**2 / high_n
    allowed = (low_n >= least_share * size) & (size - low_n >= least_share * size) & (low_n < size)
    error = np.where(allowed, low_error + high_error, np.inf)
    best = _first_least(error, group, starts, n)
    low, high = low_sum[best] / low_n[best], high_sum[best] / high_n[best]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (np.maximum(low_error[best], 0) / low_n[best] + np.maximum(high_error[best], 0) / high_n[best]) / 2
        distance = np.where(np.isfinite(error[best]), (high - low) / np.sqrt(variance), 0.0)
    return low, high, np.nan_to_num(distance, nan=0.0)


def _ranks(group: Numbers, value: NDArray[np.float64], starts: Numbers, n: Numbers) -> NDArray[np.float64]:
    order = by_number(group, np.argsort(value, kind="stable"))
    position = np.arange(len(group)) - np.repeat(starts, n)
    ties = run_starts(group[order], np.unique(value, return_inverse=True)[1][order])
    width = np.diff(np.append(ties, len(order)))
    shared = np.repeat(position[ties] + (width - 1) / 2, width)
    ranks = np.empty(len(group))
    ranks[order] = shared
    return ranks


def _first_least(error: NDArray[np.float64], group: Numbers, starts: Numbers, n: Numbers) -> NDArray[np.int64]:
    least = np.repeat(np.minimum.reduceat(error, starts), n)
    candidates = np.flatnonzero(error == least)
    return np.asarray(candidates[run_starts(group[candidates])], dtype=np.int64)
