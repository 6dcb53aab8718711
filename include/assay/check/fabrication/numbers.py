"""Counting combinations of numbers: what a data frame's groupby does, for many small groups and without its fixed cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.summarize.sorted_rows import Numbers


def combined(*columns: Numbers) -> NDArray[np.int64]:
    """A number from 0 for each distinct combination of the columns, in the order of the combinations."""
    number = np.unique(columns[0], return_inverse=True)[1].reshape(-1)
    for column in columns[1:]:
        values, code = np.unique(column, return_inverse=True)
        number = np.unique(number * len(values) + code.reshape(-1), return_inverse=True)[1].reshape(-1)
    return number.astype(np.int64)


def counts(*columns: Numbers) -> NDArray[np.int64]:
    """For each row, how many rows have its combination of the columns."""
    number = combined(*columns)
    return np.bincount(number)[number] if len(number) else number


def distinct(*columns: Numbers) -> NDArray[np.int64]:
    """One row of each distinct combination of the columns: the first."""
    return np.unique(combined(*columns), return_index=True)[1].astype(np.int64)
