"""Sorts out the series in which no change of level can be found, many at once: nearly all series are such, and the search in one
series costs milliseconds.

The search (assay.summarize.change_points) looks at a window for the split with the largest energy distance between its sides
(Szekely and Rizzo 2004) and goes on only if a t-test tells the two apart. Where no window of a series passes that first test,
there is nothing to find. Only that first test is computed here; in doubt a series is kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1_000
_IN_DOUBT = 1e-6
"""Relative: two splits whose distances differ by less, or a p so close to the limit, are left to the search itself."""

Floats = NDArray[np.float64]


def may_change(series: Floats, window: int, max_p: float, min_change: float) -> NDArray[np.bool_]:
    """Which of these series (a row each, oldest first, all of one length) may have a change.

    `window`: length of the sliding window, moved by half of it. `max_p`: p of the first test. `min_change`: smallest relative
    difference of means that counts.
    """
    low, high = series.min(axis=1), series.max(axis=1)
    # A mean lies between the extremes: where these are closer than the smallest change, so are any two means.
    result: NDArray[np.bool_] = (low <= 0) | (high - low > min_change * low)
    candidates = np.flatnonzero(result)
    for start in range(0, len(candidates), _AT_ONCE):
        chosen = candidates[start : start + _AT_ONCE]
        rows, found = series[chosen], np.zeros(len(chosen), dtype=bool)
        for begin in range(0, series.shape[1], window // 2):
            part = rows[:, begin : begin + window]
            if part.shape[1] > 1:
                found |= _first_test(part, max_p)
        result[chosen] = found
    return result


def _first_test(rows: Floats, max_p: float) -> NDArray[np.bool_]:
    count, length = rows.shape
    distance = _energy_distances(rows).reshape(count, -1)
    best = distance.argmax(axis=1)
    largest = distance[np.arange(count), best]
    split = best // (length + 1)
    # The same split may end at several places; in doubt is only another split that does as well.
    near = distance >= (largest - _IN_DOUBT * np.abs(largest))[:, None]
    other = near & (np.arange(distance.shape[1]) // (length + 1) != split[:, None])
    return np.asarray(other.any(axis=1) | (_p_values(rows, split) <= max_p * (1 + _IN_DOUBT)))


def _energy_distances(rows: Floats) -> Floats:
    """For every row, split and end: the distance between what lies before the split and what lies from there to the end; -inf
    where there is no such pair."""
    count, length = rows.shape
    sums = np.zeros((count, length + 1, length + 1))
    np.abs(rows[:, :, None] - rows[:, None, :]).cumsum(axis=1).cumsum(axis=2, out=sums[:, 1:, 1:])
    split, end = np.arange(length + 1)[:, None], np.arange(length + 1)[None, :]
    n, m = split, end - split
    exists = (n > 0) & (m > 0)
    inside = np.diagonal(sums, axis1=1, axis2=2)  # sums of all pairs among the first so many
    before, upto = inside[:, :, None], inside[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        across = np.where(exists, 2 / (n + m), 0.0)
        left = np.where(exists & (n > 1), m / ((n + m) * (n - 1)), 0.0)
        right = np.where(exists & (m > 1), n / ((n + m) * (m - 1)), 0.0)
    distance = across * (sums - before) - left * before - right * (upto - 2 * sums + before)
    return np.where(exists, distance, -np.inf)


def _p_values(rows: Floats, split: NDArray[np.int64]) -> Floats:
    """Two-sided p of Student's t-test between both sides of each row's split, with the spread of a population on each side."""
    from scipy.special import stdtr  # imports slowly

    length = rows.shape[1]
    if length <= 2:
        return np.ones(len(rows))
    left = np.arange(length) < split[:, None]
    n, m = split, length - split
    mean_left, mean_right = (rows * left).sum(axis=1) / n, (rows * ~left).sum(axis=1) / m
    var_left = (((rows - mean_left[:, None]) ** 2) * left).sum(axis=1) / n
    var_right = (((rows - mean_right[:, None]) ** 2) * ~left).sum(axis=1) / m
    pooled = ((n - 1) * var_left + (m - 1) * var_right) / (length - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (mean_left - mean_right) / np.sqrt(pooled * (1 / n + 1 / m))
    # Without any spread the quotient is infinite (surely different) or nothing (the same).
    return np.asarray(2 * stdtr(length - 2, -np.abs(np.where(np.isnan(t), 0.0, t))))
