"""Executions brought into the order that statistics are computed in: by group, then by value, then by session.

Whoever did the sorting (pandas here, DuckDB in `heavy`), the statistics are computed from this one form, so they have one
definition. The order fixes every sum: the same executions give the same bits, whatever order they came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.measurement import AGGREGATION_KEY

GROUP_COLUMNS = (*AGGREGATION_KEY, "unit")
"""What must be equal before executions are aggregated. The unit is part of it: numbers in different units are never mixed."""

Numbers = NDArray[np.integer[Any]]

_LARGEST_CODE = 2**62


@dataclass(frozen=True)
class SortedRows:
    """Executions, one entry each, ordered by group, value, session.

    `group`: number of the group, ascending, every number from 0 to the last occurs. `session`: a number for the session.
    `summary_n`, `summary_sd`: samples behind a summary and their standard deviation, NaN elsewhere; None if no row is one.
    """

    group: NDArray[np.int64]
    value: NDArray[np.float64]
    session: NDArray[np.int64]
    summary_n: NDArray[np.float64] | None = None
    summary_sd: NDArray[np.float64] | None = None

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each group starts."""
        return run_starts(self.group)


def run_starts(*columns: Numbers) -> NDArray[np.int64]:
    """Positions at which any of the columns differs from the row before; the first row included."""
    if len(columns[0]) == 0:
        return np.zeros(0, dtype=np.int64)
    changed = np.zeros(len(columns[0]), dtype=bool)
    changed[0] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def executions_only(measurements: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: the values of executions (empty `iteration`), not their single passes."""
    return measurements[measurements["iteration"].isna().to_numpy()]


def group_numbers(frame: pd.DataFrame, columns: tuple[str, ...]) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """A number for each distinct combination of the columns, and the combinations in the order of their numbers.

    Combinations are numbered in the sorted order of their texts, so that the numbers do not depend on the order of the rows.
    """
    codes: NDArray[np.int64] = np.zeros(len(frame), dtype=np.int64)
    size = 1
    for name in columns:
        more, values = pd.factorize(frame[name], sort=True, use_na_sentinel=False)
        if size > _LARGEST_CODE // max(len(values), 1):
            distinct, codes = np.unique(codes, return_inverse=True)
            size = len(distinct)
        codes = codes * len(values) + more
        size *= max(len(values), 1)
    numbers, distinct = pd.factorize(codes, sort=True)
    first = np.full(len(distinct), len(frame), dtype=np.int64)
    np.minimum.at(first, numbers, np.arange(len(frame)))
    return numbers.astype(np.int64, copy=False), frame[list(columns)].iloc[first].reset_index(drop=True)


def sort_rows(
    group: NDArray[np.int64],
    value: NDArray[np.float64],
    session: NDArray[np.int64],
    summary_n: NDArray[np.float64],
    summary_sd: NDArray[np.float64],
) -> SortedRows:
    """Bring executions into order."""
    if np.isnan(summary_n).all():
        # Between equal values of one group the order of sessions changes no sum, so the values alone are sorted.
        order = by_number(group, np.argsort(value))
        return SortedRows(group[order], value[order], session[order])
    order = np.lexsort((summary_sd, summary_n, session, value, group))
    return SortedRows(group[order], value[order], session[order], summary_n[order], summary_sd[order])


def by_number(numbers: Numbers, order: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """A stable sort by small non-negative numbers, of positions already in some order (default: as they are).

    Digit by digit of 16 bits, because NumPy sorts those by counting: several times faster than one sort by comparison.
    """
    if order is None:
        order = np.arange(len(numbers))
    largest = int(numbers.max(initial=0))
    for shift in range(0, max(largest.bit_length(), 1), 16):
        digit = ((numbers >> shift) & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order
