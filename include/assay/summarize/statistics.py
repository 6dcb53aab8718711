"""What is computed over measurements: one row for each aggregation key and unit. Formulas and sources: docs/statistics.md.

n counts executions. Nothing is deleted: outliers are counted and labelled. A session that gives only a summary (mean, sd, count)
counts as one sample, its mean, and `summaries` says how many of those are in n.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.statistic import STATISTIC_COLUMNS as STATISTIC_COLUMNS
from assay.summarize.grades import grade
from assay.summarize.intervals import interval_ranks
from assay.summarize.outliers import count_outliers, quantile
from assay.summarize.sorted_rows import (
    GROUP_COLUMNS,
    SortedRows,
    by_number,
    executions_only,
    group_numbers,
    run_starts,
    sort_rows,
)


def summarize(measurements: pd.DataFrame) -> pd.DataFrame:
    """One row of statistics for each aggregation key and unit; columns as STATISTIC_COLUMNS, sorted by key.

    `measurements`: the tidy table (assay.measurement), values in the row's unit; rows with a number in `iteration` are single
    passes and do not count. The result does not depend on the order of the rows, to the last bit.

    Raises ValueError if a value is not finite: such a session must not have been accepted.
    """
    rows = executions_only(measurements)
    group, keys = group_numbers(rows, GROUP_COLUMNS)
    session, names = pd.factorize(rows["session"], sort=True)
    value, summary_n, summary_sd = (
        rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("value", "summary_n", "summary_sd")
    )
    ordered = sort_rows(group, value, session.astype(np.int64, copy=False), summary_n, summary_sd)
    statistics, codes = statistics_of(ordered)
    return finish(keys, statistics, np.asarray(names, dtype=object)[codes])


def statistics_of(rows: SortedRows) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The statistics of every group, in the order of their numbers, columns as STATISTIC_COLUMNS without key and session ids; and
    the numbers of the sessions, group after group, as many for each as its `sessions` says.
    """
    value = rows.value
    if not np.isfinite(value).all():
        raise ValueError(f"{int((~np.isfinite(value)).sum())} values are not finite; statistics are over accepted sessions only")
    starts = rows.starts
    n = np.diff(np.append(starts, len(value)))
    mean = _reduce(value, starts) / n
    squares = _reduce((value - np.repeat(mean, n)) ** 2, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
    ranks = interval_ranks(n)
    has_interval = ~np.isnan(ranks.level)
    spread = _session_spread(rows, mean)
    cv = _percent_of(sd, mean)
    columns: dict[str, Any] = {
        "n": n,
        "sessions": spread["sessions"],
        "median": quantile(value, starts, n, 0.5),
        "ci_low": np.where(has_interval, value[starts + ranks.low], np.nan) if len(starts) else ranks.level,
        "ci_high": np.where(has_interval, value[starts + ranks.high], np.nan) if len(starts) else ranks.level,
        "confidence_level": ranks.level,
        "mean": mean,
        "sd": sd,
        "cv": cv,
        "min": value[starts],
        "max": value[starts + n - 1],
        "p05": quantile(value, starts, n, 0.05),
        "p95": quantile(value, starts, n, 0.95),
        "quality": grade(n, spread["sessions"], cv),
        "cv_within": _percent_of(spread["within"], mean),
        "cv_between": _percent_of(spread["between"], mean),
        **count_outliers(value, starts),
        "summaries": 0 if rows.summary_n is None else _reduce((~np.isnan(rows.summary_n)).astype(np.float64), starts),
    }
    return pd.DataFrame(columns), spread["codes"]


def finish(keys: pd.DataFrame, statistics: pd.DataFrame, sessions: NDArray[np.object_]) -> pd.DataFrame:
    """Key, statistics and session ids (given group after group) side by side, columns as STATISTIC_COLUMNS, sorted by key."""
    frame = pd.concat([keys.reset_index(drop=True), statistics], axis="columns")
    ids, end = sessions.tolist(), np.cumsum(statistics["sessions"].to_numpy())
    frame["session_ids"] = pd.Series([ids[b - n : b] for b, n in zip(end, statistics["sessions"], strict=True)], dtype=object)
    frame = frame[list(STATISTIC_COLUMNS)].astype({name: dtype for name, (dtype, _) in STATISTIC_COLUMNS.items()})
    return frame.sort_values(list(GROUP_COLUMNS), kind="stable", ignore_index=True)


def _session_spread(rows: SortedRows, mean: NDArray[np.float64]) -> dict[str, Any]:
    # A stable sort keeps the values in order inside each session, so these sums are reproducible too.
    order = by_number(rows.group, by_number(rows.session))
    group, session, value = rows.group[order], rows.session[order], rows.value[order]
    starts = run_starts(group, session)
    n = np.diff(np.append(starts, len(value)))
    session_mean = _reduce(value, starts) / n
    squares = (value - np.repeat(session_mean, n)) ** 2
    freedom = (n - 1).astype(np.float64)
    if rows.summary_n is not None and rows.summary_sd is not None:
        # Behind a summary there are summary_n samples with that spread; they tell of the spread within, not of n.
        behind = np.nan_to_num(np.where(np.isnan(rows.summary_sd), 0.0, rows.summary_n - 1))[order]
        squares += behind * np.nan_to_num(rows.summary_sd[order]) ** 2
        freedom += _reduce(behind, starts)
    first = run_starts(group[starts])
    sessions = np.diff(np.append(first, len(starts)))
    center = _reduce(session_mean, first) / sessions
    between = _reduce((session_mean - np.repeat(center, sessions)) ** 2, first)
    within, freedom = _reduce(squares, starts[first]), _reduce(freedom, first)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "sessions": sessions,
            "within": np.where(freedom > 0, np.sqrt(within / freedom), np.nan),
            "between": np.where(sessions > 1, np.sqrt(between / (sessions - 1)), np.nan),
            "codes": session[starts],
        }


def _reduce(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.add.reduceat(values, starts) if len(starts) else np.zeros(0)


def _percent_of(spread: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(mean != 0, 100.0 * spread / np.abs(mean), np.nan)
