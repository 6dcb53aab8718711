"""How much of each series trends.json shows: its newest days as they were measured, and weeks before those."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.dataset.periods import mondays
from assay.summarize.sorted_rows import run_starts

DAYS, WEEKS = 14, 52
MAX_POINTS = 300_000
"""What the whole document may hold, about 40 MB: with more, days and weeks of every series are halved until it fits."""

MANY_SERIES = 10_000
"""From here on a series that was measured on one day alone is left out: it shows no trend, and there are many of them."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """What is shown of a series: its newest `days` measured days with the rest of the week that the first of them is in, before
    that `weeks` measured weeks at most; nothing where it was measured on fewer than `least_days` days."""

    days: int
    weeks: int
    least_days: int


@dataclass(frozen=True)
class Bounds:
    """The window applied: for each group the first day that is shown as a day, and the first day of the first week shown; both
    beyond every day where the group is not shown."""

    days_from: Numbers
    weeks_from: Numbers


NEVER = np.iinfo(np.int64).max


def choose_window(group: Numbers, day: Numbers, groups: int) -> tuple[Window, Bounds]:
    """The window and what it means for each of so many groups. `group`, `day`: of the executions of the series that may be shown.

    Depends on nothing but which series was measured on which day.
    """
    group, day = _distinct(group, day)
    counts = np.bincount(group, minlength=groups)
    least = 2 if int((counts > 0).sum()) > MANY_SERIES else 1
    window = Window(DAYS, WEEKS, least)
    while True:
        bounds, points = _apply(window, group, day, groups)
        if points <= MAX_POINTS or (window.days, window.weeks) == (1, 0):
            return window, bounds
        window = Window(max(window.days // 2, 1), window.weeks // 2, least)


def _apply(window: Window, group: Numbers, day: Numbers, groups: int) -> tuple[Bounds, int]:
    shown = np.bincount(group, minlength=groups) >= window.least_days
    days_from = np.full(groups, NEVER)
    days_from[group[run_starts(group)]] = mondays(day[_newest(group, window.days)])
    days_from[~shown] = NEVER
    earlier = day < days_from[group]
    week_group, week = _distinct(group[earlier & shown[group]], mondays(day[earlier & shown[group]]))
    weeks_from = days_from.copy()
    if window.weeks and len(week):
        weeks_from[week_group[run_starts(week_group)]] = week[_newest(week_group, window.weeks)]
    points = int((day >= days_from[group]).sum() + (week >= weeks_from[week_group]).sum())
    return Bounds(days_from, weeks_from), points


def _distinct(group: Numbers, time: Numbers) -> tuple[Numbers, Numbers]:
    """Distinct pairs, sorted by both."""
    if not len(group):
        return group, time
    low = int(time.min())
    width = int(time.max()) - low + 1
    pairs = np.unique(group * width + (time - low))
    return pairs // width, pairs % width + low


def _newest(group: Numbers, n: int) -> Numbers:
    """For each group that occurs the position of its n-th newest entry, or of its oldest where it has fewer."""
    starts = run_starts(group)
    ends = np.append(starts[1:], len(group))
    return np.maximum(starts, ends - n)
