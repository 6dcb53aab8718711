"""The executions of a dataset as plain numbers: what every statistic over a period is computed from.

Forty bytes an execution, so that millions fit. Statistics come from `statistics_of`: the same one definition as for the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.dataset.periods import day_numbers
from assay.dataset.rows import Measurements, in_parts
from assay.dataset.select import redact_keys
from assay.errors import PublicationError
from assay.session import format_time
from assay.summarize.sorted_rows import GROUP_COLUMNS, by_number, executions_only, run_starts, sort_rows
from assay.summarize.statistics import statistics_of

_NUMBERS = ("value", "summary_n", "summary_sd")
_COLUMNS = ("session", *GROUP_COLUMNS, *_NUMBERS, "iteration")


@dataclass(frozen=True)
class Executions:
    """One entry an execution. `group`: row of `keys`, the distinct aggregation keys and units (redacted), sorted. `session`:
    row of `sessions`, which has the columns session (ids, sorted), day (since 1970-01-01), order (of their starts, from 0) and
    ended (UTC, as published).
    """

    keys: pd.DataFrame
    sessions: pd.DataFrame
    group: NDArray[np.int64]
    session: NDArray[np.int64]
    value: NDArray[np.float64]
    summary_n: NDArray[np.float64]
    summary_sd: NDArray[np.float64]

    @property
    def days(self) -> NDArray[np.int64]:
        """The day of each execution: that on which its session started."""
        return np.asarray(self.sessions["day"].to_numpy()[self.session], dtype=np.int64)

    def take(self, positions: NDArray[np.int64]) -> Executions:
        """Some of them."""
        return replace(
            self,
            group=self.group[positions],
            session=self.session[positions],
            value=self.value[positions],
            summary_n=self.summary_n[positions],
            summary_sd=self.summary_sd[positions],
        )


def executions_of(measurements: Measurements, sessions: pd.DataFrame) -> Executions:
    """The executions among the measurements of these sessions (columns session, started_at and ended_at, UTC)."""
    known = _session_table(sessions)
    number = {str(session): position for position, session in enumerate(known["session"])}
    groups: dict[tuple[str, ...], int] = {}
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ("group", "session", *_NUMBERS)}
    for frame in in_parts(measurements, _COLUMNS):
        rows = executions_only(frame)
        ids = rows["session"].cat
        # A category may be that of a session whose rows are not among these.
        session = np.array([*(number.get(str(name), -1) for name in ids.categories), -1], dtype=np.int64)[ids.codes]
        if (session < 0).any():
            raise PublicationError(
                "there are measurements of sessions that are not accepted; run `assay process`, then publish again"
            )
        parts["group"].append(_groups(rows, groups))
        parts["session"].append(session)
        for name in _NUMBERS:
            parts[name].append(rows[name].to_numpy(dtype=np.float64, na_value=np.nan))
    keys, renumbered = _sorted_keys(list(groups))
    columns = {name: np.concatenate(arrays) if arrays else np.zeros(0) for name, arrays in parts.items()}
    group, session = (columns.pop(name).astype(np.int64, copy=False) for name in ("group", "session"))
    return Executions(keys, known, renumbered[group], session, **columns)


def summarize_by(executions: Executions, part: NDArray[np.int64]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Statistics for each group and part (`part`: a number for each execution, such as its day), sorted by both.

    Columns `group`, `part` and those of assay.summarize without keys and sessions; and the sessions of each row, by number, row
    after row, as many for each as its `sessions` says.
    """
    low = int(part.min(initial=0))
    width = int(part.max(initial=0)) - low + 1
    combined = executions.group * width + (part - low)
    distinct, number = np.unique(combined, return_inverse=True)
    rows = sort_rows(number.astype(np.int64), executions.value, executions.session, executions.summary_n, executions.summary_sd)
    table, sessions = statistics_of(rows)
    return table.assign(group=distinct // width, part=distinct % width + low), sessions


def session_medians(executions: Executions) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """One row for each group and session, by group and then by the start of the session: (group, session, median)."""
    order_of = executions.sessions["order"].to_numpy()
    by_value = np.argsort(executions.value, kind="stable")
    order = by_number(executions.group, by_number(order_of[executions.session], by_value))
    group, session, value = executions.group[order], executions.session[order], executions.value[order]
    starts = run_starts(group, session)
    n = np.diff(np.append(starts, len(value)))
    middle = (value[starts + (n - 1) // 2] + value[starts + n // 2]) / 2
    return group[starts], session[starts], middle.astype(np.float64, copy=False)


def _session_table(sessions: pd.DataFrame) -> pd.DataFrame:
    table = sessions[["session", "started_at", "ended_at"]].astype({"session": "object"})
    table = table.sort_values("session", ignore_index=True)
    started, ended = (pd.to_datetime(table[name], utc=True) for name in ("started_at", "ended_at"))
    order = np.empty(len(table), dtype=np.int64)
    order[np.argsort(started.to_numpy(), kind="stable")] = np.arange(len(table))
    names = [format_time(moment.to_pydatetime()) for moment in ended]
    return pd.DataFrame({"session": table["session"], "day": day_numbers(started), "order": order, "ended": names})


def _groups(rows: pd.DataFrame, groups: dict[tuple[str, ...], int]) -> NDArray[np.int64]:
    """The group of each row; keys that are new are added to `groups`."""
    combined = np.zeros(len(rows), dtype=np.int64)
    for name in GROUP_COLUMNS:
        column = rows[name].cat
        # Renumbered after every column: nine of them could overflow 64 bits otherwise.
        combined = pd.factorize(combined * (len(column.categories) + 1) + column.codes)[0]
    _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
    distinct = redact_keys(rows[list(GROUP_COLUMNS)].iloc[first])
    found = [groups.setdefault(key, len(groups)) for key in distinct.itertuples(index=False, name=None)]
    return np.array(found, dtype=np.int64)[inverse] if found else np.zeros(0, dtype=np.int64)


def _sorted_keys(keys: list[tuple[str, ...]]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The keys in the order of their texts, and the new number of each."""
    order = sorted(range(len(keys)), key=keys.__getitem__)
    new = np.empty(len(keys), dtype=np.int64)
    new[order] = np.arange(len(keys))
    return pd.DataFrame([keys[number] for number in order], columns=list(GROUP_COLUMNS), dtype="object"), new
