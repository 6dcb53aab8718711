"""Where a series of sessions changes its level, found with Apache Otava (E-divisive means with a t-test).

Method: Fleming et al., Hunter: Using Change Point Detection to Hunt for Performance Regressions (ICPE 2023), after Matteson
and James (2014). A threshold against the previous value raises a false alarm in nearly every noisy series; this one in few.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.summarize.screen import may_change
from assay.summarize.sorted_rows import GROUP_COLUMNS, executions_only

CHANGE_POINT_COLUMNS = (*GROUP_COLUMNS, "session", "started_at", "before", "after", "change_percent", "confidence")

SHORTEST_SERIES = 6
"""Sessions that a series needs: on fewer points a step cannot be told from noise at MAX_P."""

WINDOW = 50
MAX_P = 0.001
FIRST_PASS_P = 10 * MAX_P  # what Otava asks of a candidate before it looks closer
MIN_CHANGE = 0.01
"""A change of less than 1 % is not published, however certain: it is smaller than what hardware of one type differs by."""


@dataclass(frozen=True)
class LevelChange:
    """A change of level: the first position on the new level, the medians around it up to the next change, the change in percent
    of the level before (NaN where that is zero), and 1 - p."""

    position: int
    before: float
    after: float
    change_percent: float
    confidence: float


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
    series = [frame for _, frame in points.groupby(list(GROUP_COLUMNS), sort=False, dropna=False)]
    found = [
        (*frame.iloc[change.position][[*GROUP_COLUMNS, "session", "started_at"]], *_facts(change))
        for frame, changes in zip(series, level_changes([one["value"].to_numpy(np.float64) for one in series]), strict=True)
        for change in changes
    ]
    return pd.DataFrame(found, columns=list(CHANGE_POINT_COLUMNS))


def level_changes(series: Sequence[NDArray[np.float64]]) -> list[list[LevelChange]]:
    """The changes of level in each of these series, oldest first."""
    by_length: dict[int, list[int]] = {}
    for number, values in enumerate(series):
        if len(values) >= SHORTEST_SERIES:
            by_length.setdefault(len(values), []).append(number)
    found: list[list[LevelChange]] = [[] for _ in series]
    for numbers in by_length.values():
        kept = may_change(np.stack([series[number] for number in numbers]), WINDOW, FIRST_PASS_P, MIN_CHANGE)
        for number, worth in zip(numbers, kept, strict=True):
            if worth:
                found[number] = _changes(series[number])
    return found


def _facts(change: LevelChange) -> tuple[float, float, float, float]:
    return change.before, change.after, change.change_percent, change.confidence


def _changes(values: NDArray[np.float64]) -> list[LevelChange]:
    from otava.analysis import compute_change_points  # imports slowly, and most steps find no series long enough

    with warnings.catch_warnings():
        # Two level stretches without any spread make its t-test divide by zero, and rightly answer p = 0.
        warnings.simplefilter("ignore", RuntimeWarning)
        points, _ = compute_change_points(values.tolist(), window_len=WINDOW, max_pvalue=MAX_P, min_magnitude=MIN_CHANGE)
    kept = [point for point in points if point.stats.pvalue <= MAX_P]
    edges = [0, *(int(point.index) for point in kept), len(values)]
    changes = []
    for number, point in enumerate(kept, start=1):
        before = float(np.median(values[edges[number - 1] : edges[number]]))
        after = float(np.median(values[edges[number] : edges[number + 1]]))
        percent = 100.0 * (after - before) / before if before else float("nan")
        changes.append(LevelChange(edges[number], before, after, percent, 1.0 - float(point.stats.pvalue)))
    return changes
