"""Days, ISO weeks and quarters: how periods are numbered while computing and named when published. All of it in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import Enum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_EPOCH = date(1970, 1, 1)
_TO_MONDAY = 3  # the epoch was a Thursday


class Period(Enum):
    """A stretch of time that sessions are summarized over."""

    WEEK = "week"
    QUARTER = "quarter"


def day_numbers(moments: pd.Series) -> NDArray[np.int64]:
    """Days since 1970-01-01 of moments in UTC."""
    utc = pd.to_datetime(moments, utc=True).dt.tz_localize(None)
    return utc.to_numpy(dtype="datetime64[D]").astype(np.int64)


def mondays(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first day of the ISO week of each day."""
    return days - (days + _TO_MONDAY) % 7


def quarter_starts(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first day of the quarter of each day."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (months - months % 3).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def day_name(day: int) -> str:
    """`2024-11-20`."""
    return (_EPOCH + timedelta(days=int(day))).isoformat()


def day_names(days: NDArray[np.int64]) -> Mapping[int, str]:
    """The name of every day that occurs."""
    return {int(day): day_name(int(day)) for day in np.unique(days)}


def period_starts(period: Period, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first day of the period of each day."""
    return mondays(days) if period is Period.WEEK else quarter_starts(days)


def period_name(period: Period, start: int) -> str:
    """`2024-W47` (ISO 8601: the year is that of the week's Thursday) or `2024-Q4`."""
    day = _EPOCH + timedelta(days=int(start))
    if period is Period.WEEK:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day.year}-Q{(day.month + 2) // 3}"


def last_day(period: Period, start: int) -> int:
    """The last day of the period that starts on that day."""
    if period is Period.WEEK:
        return int(start) + 6
    first = _EPOCH + timedelta(days=int(start))
    after = date(first.year + (first.month + 2) // 12, (first.month + 2) % 12 + 1, 1)
    return (after - _EPOCH).days - 1
