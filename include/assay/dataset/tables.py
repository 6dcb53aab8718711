"""statistics.parquet and measurements.parquet: the numbers as tables, for analysts. The same rows give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assay.dataset.redact import redact
from assay.dataset.rows import Measurements, in_parts
from assay.dataset.select import FREE_TEXT, redact_keys
from assay.measurement import AGGREGATION_KEY, MEASUREMENT_COLUMNS, MEASUREMENT_UNITS
from assay.statistic import STATISTIC_COLUMNS, STATISTIC_UNITS

STATISTICS = "statistics.parquet"
MEASUREMENTS = "measurements.parquet"

Columns: TypeAlias = Mapping[str, tuple[str, str]]

ROWS_A_GROUP = 500_000

_ORDER = ("session", "benchmark", "metric", "file", "execution", "iteration", "value", "threads", "implementation", "version")

_ARROW = {
    "string": pa.string(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
    "object": pa.list_(pa.string()),
}


def statistics_table(statistics: pd.DataFrame) -> bytes:
    """The statistics, one row an aggregation key and unit, full precision; columns as STATISTIC_COLUMNS, described in the
    schema."""
    columns = {name: about for name, about in STATISTIC_COLUMNS.items() if name in statistics}
    rows = redact_keys(statistics).sort_values([*AGGREGATION_KEY, "unit", "n", "median", "mean"], kind="stable")
    return _parquet(rows, columns, STATISTIC_UNITS)


def measurements_table(measurements: Measurements) -> bytes:
    """The tidy table, one row a measurement, by session; columns as MEASUREMENT_COLUMNS, described in the schema.

    Written part by part, so that the whole is never held as rows.
    """
    schema = _schema(MEASUREMENT_COLUMNS, MEASUREMENT_UNITS)
    text = [name for name, (dtype, _) in MEASUREMENT_COLUMNS.items() if dtype == "string"]
    buffer = io.BytesIO()
    # The leading bytes of floats are much alike, and compress well when they lie together.
    encodings = {"value": "BYTE_STREAM_SPLIT"}
    with pq.ParquetWriter(buffer, schema, compression="zstd", use_dictionary=text, column_encoding=encodings) as writer:
        for table in _row_groups(_ordered(frame, schema) for frame in in_parts(measurements, schema.names)):
            writer.write_table(table, row_group_size=ROWS_A_GROUP)
    return buffer.getvalue()


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of these tables again, ROWS_A_GROUP at a time: the bytes do not depend on the parts that they came in."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(map(len, waiting)) >= ROWS_A_GROUP:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, ROWS_A_GROUP)
            waiting = [whole.slice(ROWS_A_GROUP)]
    yield from (table for table in [pa.concat_tables(waiting)] if len(table)) if waiting else ()


def _ordered(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """The rows in their published order; text is sorted and redacted once for each distinct one."""
    codes, texts = {}, {}
    for name in schema.names:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            found = [redact(str(text)) if name in FREE_TEXT else str(text) for text in frame[name].cat.categories]
            texts[name], places = np.unique(np.array(found, dtype=object), return_inverse=True)
            codes[name] = np.append(places, -1)[frame[name].cat.codes]  # the last is that of no text
    keys = [codes[name] if name in codes else frame[name].to_numpy(np.float64, na_value=np.inf) for name in reversed(_ORDER)]
    order = np.lexsort(keys)
    columns = []
    for field in schema:
        if field.name in codes:
            chosen = codes[field.name][order]
            values = pa.array(texts[field.name], pa.string())
            columns.append(pa.DictionaryArray.from_arrays(pa.array(chosen, mask=chosen < 0), values).cast(field.type))
        else:
            columns.append(pa.array(frame[field.name].iloc[order], type=field.type, from_pandas=True))
    return pa.Table.from_arrays(columns, schema=schema)


def _parquet(frame: pd.DataFrame, columns: Columns, units: Mapping[str, str]) -> bytes:
    schema = _schema(columns, units)
    table = pa.Table.from_pandas(frame[list(columns)], schema=schema, preserve_index=False)
    buffer = io.BytesIO()
    # Without the notes that pandas leaves, which differ between versions of it.
    pq.write_table(table.replace_schema_metadata(None), buffer, compression="zstd")
    return buffer.getvalue()


def _schema(columns: Columns, units: Mapping[str, str]) -> pa.Schema:
    fields = []
    for name, (dtype, says) in columns.items():
        about = {"description": says, **({"unit": units[name]} if name in units else {})}
        fields.append(pa.field(name, _ARROW[dtype], metadata=about))
    return pa.schema(fields)
