"""Which dated folders leave the branch's tree: all of the newest time stay, then one a week, then one a quarter.

Nothing is lost: a folder goes only if its snapshot has a tag, and tag and release stay. Weekly and quarterly aggregates go on
telling what was measured then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from assay.publish.layout import snapshot_order


@dataclass(frozen=True)
class Keep:
    """Days before the newest snapshot, each counted from there: up to `every_days` every snapshot stays, up to `weekly_days` the
    last of each ISO week, before that the last of each quarter."""

    every_days: int
    weekly_days: int


def thinned(names: Iterable[str], keep: Keep, always: Collection[str] = ()) -> list[str]:
    """The snapshots whose folders may go, in order. `names`: all that have a folder and a tag; what is no date stays."""
    days = {name: day for name in names if (day := _day(name)) is not None}
    if not days:
        return []
    newest = max(days.values())
    last: dict[tuple[str, int, int], str] = {}
    for name in sorted(days, key=snapshot_order):
        if (period := _period(days[name], newest, keep)) is not None:
            last[period] = name
    stay = {*last.values(), *always}
    return [name for name in sorted(days, key=snapshot_order) if _period(days[name], newest, keep) and name not in stay]


def _period(day: date, newest: date, keep: Keep) -> tuple[str, int, int] | None:
    age = (newest - day).days
    if age <= keep.every_days:
        return None
    if age <= keep.weekly_days:
        year, week, _ = day.isocalendar()
        return "week", year, week
    return "quarter", day.year, (day.month - 1) // 3


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name.partition(".")[0])
    except ValueError:
        return None
