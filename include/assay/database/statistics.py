"""The statistics of a dataset, replaced as a whole: a reader sees the old ones or the new ones."""

from __future__ import annotations

import hashlib

import pandas as pd
from sqlalchemy import Connection, Float, Integer, text

from assay.database.copy import copy_frame
from assay.database.models import Statistic
from assay.database.queries import read_frame
from assay.measurement import AGGREGATION_KEY

_TABLE = Statistic.__table__
STATISTIC_COLUMNS = tuple(column.name for column in _TABLE.columns if column.name not in ("dataset", "key"))
_KEY = [*AGGREGATION_KEY, "unit"]


def replace_statistics(connection: Connection, dataset: str, frame: pd.DataFrame) -> int:
    """Load the frame by COPY in place of what was there; give the number of rows.

    Raises ValueError when a column is missing or unknown, or an aggregation key stands twice.
    """
    missing, unknown = set(STATISTIC_COLUMNS) - set(frame.columns), set(frame.columns) - set(STATISTIC_COLUMNS)
    if missing or unknown:
        raise ValueError(
            f"statistics: columns missing {sorted(missing)}, unknown {sorted(unknown)}; the table is models/statistics.py"
        )
    if frame.duplicated(_KEY).any():
        first = frame.loc[frame.duplicated(_KEY), _KEY].iloc[0].to_dict()
        raise ValueError(f"statistics: the aggregation key {first} stands twice")
    keys = zip(*(frame[name].astype("string").fillna("") for name in _KEY), strict=True)
    loaded = frame[list(STATISTIC_COLUMNS)].assign(
        dataset=dataset, key=[hashlib.sha256("\x1f".join(key).encode("utf-8", "replace")).hexdigest() for key in keys]
    )
    connection.execute(text("DELETE FROM assay.statistics WHERE dataset = :dataset"), {"dataset": dataset})
    return copy_frame(connection, "assay.statistics", loaded)


def statistics(connection: Connection, dataset: str) -> pd.DataFrame:
    """The statistics, columns as STATISTIC_COLUMNS, ordered by aggregation key and unit."""
    frame = read_frame(
        connection,
        f"SELECT {', '.join(STATISTIC_COLUMNS)} FROM assay.statistics WHERE dataset = :dataset "  # noqa: S608 - constants
        f"ORDER BY {', '.join(_KEY)}",
        {"dataset": dataset},
    )
    return frame.astype({name: _dtype(name) for name in STATISTIC_COLUMNS})


def _dtype(name: str) -> str:
    kind = _TABLE.columns[name].type
    if isinstance(kind, Integer):
        return "int64"
    if isinstance(kind, Float):
        return "float64"
    return "object" if name == "session_ids" else "string"
