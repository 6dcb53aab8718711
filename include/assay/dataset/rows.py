"""The measurements of a dataset as a stream, so that what is built from them need not hold them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import pandas as pd

from assay.measurement import MEASUREMENT_COLUMNS

TEXT_COLUMNS = tuple(name for name, (dtype, _) in MEASUREMENT_COLUMNS.items() if dtype == "string")

_SESSIONS_AT_ONCE = 1_000


class MeasurementRows(Protocol):
    """Measurements that lie somewhere else, such as in the processed layer."""

    def parts(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """These columns of the tidy table (`session` among them) in parts: whole sessions, in the order of their ids."""
        ...


Measurements: TypeAlias = "pd.DataFrame | MeasurementRows"


def in_parts(measurements: Measurements, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The rows in parts: whole sessions, in the order of their ids; text as categories, whose order means nothing."""
    parts = _of_frame(measurements, columns) if isinstance(measurements, pd.DataFrame) else measurements.parts(columns)
    for frame in parts:
        text = [name for name in frame.columns if name in TEXT_COLUMNS and not isinstance(frame[name].dtype, pd.CategoricalDtype)]
        yield frame.astype(dict.fromkeys(text, "category"))


def _of_frame(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    number, _ = pd.factorize(frame["session"], sort=True)
    part = number // _SESSIONS_AT_ONCE
    for one in np.unique(part):
        yield frame.loc[part == one, list(columns)]
