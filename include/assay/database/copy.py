"""Bulk loads: a DataFrame into a table by COPY, in PostgreSQL's text format."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from psycopg2 import Error as DriverError
from sqlalchemy import Connection, text

from assay.database.engine import unavailable

_ROWS_AT_ONCE = 20_000
_FEW = 200
_NULL = r"\N"
_SPECIAL = re.compile(r"[\\\t\n\r\x00]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": "\N{REPLACEMENT CHARACTER}"})
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def copy_frame(connection: Connection, table: str, frame: pd.DataFrame) -> int:
    """Append every row of the frame to a table whose columns have the frame's names; give the number of rows.

    Empty values (None, NaN, NaT, NA) become NULL; mappings become JSON, lists become text arrays. What PostgreSQL cannot hold is
    made visible instead of failing the load: NUL characters and half surrogates become U+FFFD or `?`, NaN inside JSON null.
    Part of the connection's transaction. `table` is one of our own names, never a user's text.
    """
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    statement = f"COPY {table} ({columns}) FROM STDIN"
    driver = connection.connection.driver_connection
    assert driver is not None
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        part = frame.iloc[start : start + _ROWS_AT_ONCE]
        content = "".join("\t".join(row) + "\n" for row in zip(*(_column(part[name]) for name in part.columns), strict=True))
        try:
            with driver.cursor() as cursor:
                cursor.copy_expert(statement, io.BytesIO(content.encode("utf-8", "replace")))
        except DriverError as error:
            lost = unavailable(error, connection.engine.url.render_as_string(hide_password=True))
            if lost is not None:
                raise lost from error
            raise
    return len(frame)


def _column(values: pd.Series[Any]) -> list[str]:
    """The column as COPY fields: one way of writing for each type, chosen once where the dtype says it."""
    objects = values.astype(object).tolist()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return [_NULL if moment is pd.NaT else moment.isoformat() for moment in objects]
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return [_NULL if _is_missing(number) else _number(number) for number in objects]
    if all(type(value) is str for value in objects):
        return _texts(objects)
    return [_NULL if _is_missing(value) else _any(value) for value in objects]


def _texts(values: list[str]) -> list[str]:
    # Nearly every column needs no escapes, which one look at all of it tells.
    return [value.translate(_ESCAPES) for value in values] if _SPECIAL.search("".join(values)) else values


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _number(value: Any) -> str:
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _any(value: Any) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, (bool, np.bool_)):
        return "t" if value else "f"
    if isinstance(value, (int, float, np.number)):
        return _number(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple, np.ndarray)):
        return _array(value).translate(_ESCAPES)
    return to_json(value).translate(_ESCAPES)


def _array(values: Any) -> str:
    return "{" + ",".join("NULL" if v is None else f'"{str(v).translate(_QUOTED)}"' for v in values) + "}"


def to_json(value: Any) -> str:
    """JSON that PostgreSQL's jsonb takes: no NaN, no infinity, no NUL characters."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {storable(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is pd.NA or value is pd.NaT:
        return None
    return storable(value) if isinstance(value, str) else value


def storable(value: str) -> str:
    """The text as PostgreSQL can hold it: NUL characters become U+FFFD, half surrogates `?`."""
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def load_temporary(connection: Connection, name: str, frame: pd.DataFrame, types: Sequence[str]) -> None:
    """The frame as a temporary table that ends with the transaction, its columns of the given SQL types, ready to join with."""
    columns = ", ".join(f'"{column}" {kind}' for column, kind in zip(frame.columns, types, strict=True))
    connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    connection.execute(text(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP"))
    copy_frame(connection, name, frame)
    connection.execute(text(f"ANALYZE {name}"))
    if len(frame) > _FEW:
        # What the planner knows of the other tables lags behind what this transaction wrote; a nested loop chosen on its word
        # took ten minutes where a hash join takes a second.
        connection.execute(text("SET LOCAL enable_nestloop = off"))
