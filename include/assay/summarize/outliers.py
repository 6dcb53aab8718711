"""Outliers are labelled, never deleted: a slow run is a fact about the machine.

Tukey's fences lie 1.5 and 3 interquartile ranges outside the quartiles (Tukey, Exploratory Data Analysis, 1977). The modified
z-score is the distance from the median in units of 1.4826 median absolute deviations, and 3.5 is where Iglewicz and Hoaglin (How
to Detect and Handle Outliers, 1993) put its limit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.summarize.sorted_rows import GROUP_COLUMNS, by_number, executions_only, group_numbers, run_starts

MILD_FENCE = 1.5
FAR_FENCE = 3.0
MAD_LIMIT = 3.5
MAD_TO_SD = 1.4826
"""1 / (75th percentile of the standard normal): makes the MAD estimate a standard deviation."""


def label_outliers(measurements: pd.DataFrame) -> pd.DataFrame:
    """Every execution with its labels: the rows with an empty `iteration`, index kept, plus two columns.

    `outlier`: "" inside the fences, "mild" beyond 1.5 interquartile ranges, "far" beyond 3.
    `outlier_mad`: modified z-score over 3.5.
    """
    rows = executions_only(measurements)
    group, _ = group_numbers(rows, GROUP_COLUMNS)
    value = rows["value"].to_numpy(dtype=np.float64, na_value=np.nan)
    order = by_number(group, np.argsort(value))
    mild, far, mad = _outside(value[order], run_starts(group[order]))
    unsort = np.empty_like(order)
    unsort[order] = np.arange(len(order))
    labels = np.where(far, "far", np.where(mild, "mild", ""))[unsort]
    return rows.assign(outlier=pd.array(labels, dtype="string"), outlier_mad=mad[unsort])


def count_outliers(value: NDArray[np.float64], starts: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Outliers of each group of sorted values: `outliers`, `outliers_far`, `outliers_mad`."""
    mild, far, mad = _outside(value, starts)
    names = {"outliers": mild, "outliers_far": far, "outliers_mad": mad}
    if len(starts) == 0:
        return {name: np.zeros(0, dtype=np.int64) for name in names}
    return {name: np.add.reduceat(labels.astype(np.int64), starts) for name, labels in names.items()}


def quantile(value: NDArray[np.float64], starts: NDArray[np.int64], n: NDArray[np.int64], share: float) -> NDArray[np.float64]:
    """A quantile of each group of sorted values, interpolated linearly (Hyndman and Fan, 1996, definition 7)."""
    position = (n - 1) * share
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, n - 1)
    low, high = value[starts + below], value[starts + above]
    # Where both are equal the result is exactly that value: rounding must not push a quantile out of [min, max].
    return np.where(low == high, low, low + (high - low) * (position - below))


def _outside(
    value: NDArray[np.float64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    n = np.diff(np.append(starts, len(value)))
    q1, median, q3 = (quantile(value, starts, n, share) for share in (0.25, 0.5, 0.75))
    group = np.repeat(np.arange(len(starts)), n)
    beyond = np.maximum((q1[group] - value), (value - q3[group]))
    width = (q3 - q1)[group]
    distance = np.abs(value - median[group])
    deviations = distance[by_number(group, np.argsort(distance))]
    mad = quantile(deviations, starts, n, 0.5)[group]
    return beyond > MILD_FENCE * width, beyond > FAR_FENCE * width, distance > MAD_LIMIT * MAD_TO_SD * mad
