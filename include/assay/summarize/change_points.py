"""Where a series of sessions changes its level, found with Apache Otava (E-divisive means with a t-test).

Method: Fleming et al., Hunter: Using Change Point Detection to Hunt for Performance Regressions (ICPE 2023), after Matteson
and James (2014). A threshold against the previous value raises a false alarm in nearly every noisy series; this one in few.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from assay.summarize.sorted_rows import GROUP_COLUMNS, executions_only

CHANGE_POINT_COLUMNS = (*GROUP_COLUMNS, "session", "started_at", "before", "after", "change_percent", "confidence")

SHORTEST_SERIES = 6
"""Sessions that a series needs: on fewer points a step cannot be told from noise at MAX_P."""

WINDOW = 50
MAX_P = 0.001
MIN_CHANGE = 0.01
"""A change of less than 1 % is not published, however certain: it is smaller than what hardware of one type differs by."""


def change_points(measurements: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Every change of level in the series of each aggregation key; columns as CHANGE_POINT_COLUMNS, sorted by key and time.

    `measurements`: the tidy table. `sessions`: session, started_at (UTC); a series has one point a session, the median of its
    executions, in the order of their starts. `session` and `started_at` of a change are those of the first session of the new
    level; `before` and `after` are medians of the points from the previous change and up to the next; `confidence` is 1 - p.
    """
    executions = executions_only(measurements)
    points = executions.groupby(["session", *GROUP_COLUMNS], as_index=False, sort=False, dropna=False)["value"].median()
    length = points.groupby(list(GROUP_COLUMNS), sort=False, dropna=False)["value"].transform("size")
    points = points[(length >= SHORTEST_SERIES).to_numpy()]
    points = points.merge(sessions[["session", "started_at"]], on="session", how="inner")
    points = points.sort_values([*GROUP_COLUMNS, "started_at", "session"], kind="stable", ignore_index=True)
    found = []
    for _, series in points.groupby(list(GROUP_COLUMNS), sort=False, dropna=False):
        values = series["value"].to_numpy(dtype=np.float64)
        indices, confidences = _changes(values)
        edges = [0, *indices, len(values)]
        for number, (index, confidence) in enumerate(zip(indices, confidences, strict=True), start=1):
            before = float(np.median(values[edges[number - 1] : index]))
            after = float(np.median(values[index : edges[number + 1]]))
            change = 100.0 * (after - before) / before if before else np.nan
            found.append((*series.iloc[index][[*GROUP_COLUMNS, "session", "started_at"]], before, after, change, confidence))
    return pd.DataFrame(found, columns=list(CHANGE_POINT_COLUMNS))


def _changes(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[list[int], list[float]]:
    if len(values) < SHORTEST_SERIES or np.ptp(values) == 0:
        return [], []
    from otava.analysis import compute_change_points  # imports slowly, and most steps find no series long enough

    with warnings.catch_warnings():
        # Two level stretches without any spread make its t-test divide by zero, and rightly answer p = 0.
        warnings.simplefilter("ignore", RuntimeWarning)
        points, _ = compute_change_points(values.tolist(), window_len=WINDOW, max_pvalue=MAX_P, min_magnitude=MIN_CHANGE)
    kept = [point for point in points if point.stats.pvalue <= MAX_P]
    return [int(point.index) for point in kept], [1.0 - float(point.stats.pvalue) for point in kept]
