"""Every metric of every type over time, and where its level changed.

`historical/trends/<family>.json` holds all of a family: a point a day. `trends.json` is bounded: the window that it states, of
the series that fill the places of the core documents, in the same shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.dataset.encode import rounded, sha256, to_json
from assay.dataset.executions import Executions, session_medians, summarize_by
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.periods import day_names, mondays
from assay.dataset.series import Series, SourceLists, published_columns, session_slices
from assay.dataset.updated import Ends
from assay.dataset.window import Window, choose_window
from assay.summarize.change_points import LevelChange, level_changes
from assay.summarize.sorted_rows import by_number, run_starts

Archive = Callable[[str, bytes], None]
"""Takes the documents that lie outside `latest/`: path below `data/processed/`, and bytes."""

FOLDER = "historical/trends"
_UP = "../"  # from latest/ to data/processed/
_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]*")


def trends_document(executions: Executions, series: Sequence[Series], ends: Ends, archive: Archive | None) -> dict[str, Any]:
    """The document; those of the families go to `archive` on the way, if there is one.

    `series`: that of each group of the executions.
    """
    main = np.array([one.main for one in series], dtype=bool)
    shown = main[executions.group]
    window, bounds = choose_window(executions.group[shown], executions.days[shown], len(series))
    lists = SourceLists(executions.sessions["session"].tolist())
    found: dict[str, dict[str, Any]] = {}
    paths: dict[str, str] = {}
    for family, rows in _families(executions, series):
        changes = _changes(rows)
        paths[family] = family_path(family)
        if archive is not None:
            archive(paths[family], to_json(_history(family, rows, series, changes), compact=True))
        recent = _Builder(rows, series, changes, lists)
        days = rows.days
        earlier = (days < bounds.days_from[rows.group]) & (mondays(days) >= bounds.weeks_from[rows.group])
        part = rows.take(np.flatnonzero(earlier))
        recent.add(*summarize_by(part, mondays(part.days)), {"period": "week"})
        part = rows.take(np.flatnonzero(days >= bounds.days_from[rows.group]))
        recent.add(*summarize_by(part, part.days), {})
        found |= recent.series
    return {
        "schema_version": SCHEMA_VERSION,
        "last_updated": ends.newest(executions.sessions["session"].to_numpy()[np.unique(executions.session[shown])]),
        "window": _window(window),
        "history": {family: f"{_UP}{path}" for family, path in paths.items()},
        "sources": lists.document(),
        "series": found,
    }


def family_path(family: str) -> str:
    """Where a family's whole series lie, below `data/processed/`."""
    # What a host says of its family is any text; a digest keeps two such names apart.
    name = family if _PLAIN.fullmatch(family) else f"family-{sha256(family.encode())[:12]}"
    return f"{FOLDER}/{name}.json"


def _history(
    family: str, rows: Executions, series: Sequence[Series], changes: Mapping[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The whole series of a family; `rows`: its executions."""
    everything = _Builder(rows, series, changes)
    everything.add(*summarize_by(rows, rows.days), {})
    updated = str(rows.sessions["ended"].to_numpy()[np.unique(rows.session)].max())
    return {"schema_version": SCHEMA_VERSION, "last_updated": updated, "family": family, **everything.parts()}


class _Builder:
    """Puts summarized rows into series, oldest rows first."""

    def __init__(
        self,
        rows: Executions,
        series: Sequence[Series],
        changes: Mapping[int, list[dict[str, Any]]],
        lists: SourceLists | None = None,
    ) -> None:
        self._all, self._changes, self._rows = series, changes, rows
        self._lists = lists or SourceLists(rows.sessions["session"].tolist())
        self._of_group: dict[int, dict[str, Any]] = {}
        self.series: dict[str, dict[str, Any]] = {}

    def add(self, table: Any, sessions: NDArray[np.int64], also: Mapping[str, Any]) -> None:
        """A point for each row of summarize_by, whose part is the day of the point."""
        if table.empty:
            return
        columns = published_columns(table)
        parts = table["part"].to_numpy()
        names = day_names(parts)
        slices = session_slices(table, sessions)
        for group, part, value, n, interval, sources in zip(
            table["group"].tolist(),
            parts.tolist(),
            columns["value"],
            columns["sample_size"],
            columns["interval"],
            slices,
            strict=True,
        ):
            one = self._of_group.get(group) or self._new(group)
            number = self._lists.number(self._all[group].subject, sources)
            point = {"date": names[part], "value": value, "sample_size": n, "source": number, **also}
            if interval:
                point["confidence_interval"] = interval
            one["points"].append(point)

    def parts(self) -> dict[str, Any]:
        """`series` and `sources` of the document."""
        return {"series": self.series, "sources": self._lists.document()}

    def _new(self, group: int) -> dict[str, Any]:
        series = self._all[group]
        changes = self._changes.get(group, [])
        if changes:
            # A change is found in the whole series, so it rests on all of its sessions.
            every = np.unique(self._rows.session[self._rows.group == group])
            changes = [{**change, "source": self._lists.number(series.subject, every)} for change in changes]
        one = {"key": dict(series.key), "unit": series.unit, "points": [], "change_points": changes}
        self._of_group[group] = self.series.setdefault(series.subject, {})[series.name] = one
        return one


def _families(executions: Executions, series: Sequence[Series]) -> Iterator[tuple[str, Executions]]:
    """The executions of one family after the other, by name."""
    families = sorted({one.family for one in series})
    number = {family: position for position, family in enumerate(families)}
    family = np.array([number[one.family] for one in series], dtype=np.int64)[executions.group]
    order = by_number(family)
    starts = run_starts(family[order])
    for start, end in zip(starts, np.append(starts[1:], len(order)), strict=False):
        rows = np.sort(order[start:end])
        yield families[family[rows[0]]], executions.take(rows)


def _changes(rows: Executions) -> dict[int, list[dict[str, Any]]]:
    """The changes of level of each group that has any."""
    group, session, median = session_medians(rows)
    starts = run_starts(group)
    ends = np.append(starts[1:], len(group))
    days = rows.sessions["day"].to_numpy()
    found = level_changes([median[start:end] for start, end in zip(starts, ends, strict=True)])
    names = day_names(days)
    return {
        int(group[start]): [_change(change, names[int(days[session[start + change.position]])]) for change in changes]
        for start, changes in zip(starts, found, strict=True)
        if changes
    }


def _change(change: LevelChange, day: str) -> dict[str, Any]:
    document = {"date": day, **{name: rounded(getattr(change, name)) for name in ("before", "after", "confidence")}}
    percent = change.change_percent
    return document if np.isnan(percent) else {**document, "change_percent": rounded(percent)}


def _window(window: Window) -> dict[str, int]:
    return {"days": window.days, "weeks": window.weeks, "least_days": window.least_days}
