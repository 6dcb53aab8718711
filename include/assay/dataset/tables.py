"""statistics.parquet and measurements.parquet: the numbers as tables, for analysts. The same rows give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assay.dataset.select import redact_keys
from assay.measurement import AGGREGATION_KEY, MEASUREMENT_COLUMNS, MEASUREMENT_UNITS
from assay.statistic import STATISTIC_COLUMNS, STATISTIC_UNITS

STATISTICS = "statistics.parquet"
MEASUREMENTS = "measurements.parquet"

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


def measurements_table(measurements: pd.DataFrame) -> bytes:
    """The tidy table, one row a measurement; columns as MEASUREMENT_COLUMNS, described in the schema."""
    order = ["session", "benchmark", "metric", "file", "execution", "iteration", "value"]
    return _parquet(redact_keys(measurements).sort_values(order, kind="stable"), MEASUREMENT_COLUMNS, MEASUREMENT_UNITS)


def _parquet(frame: pd.DataFrame, columns: Mapping[str, tuple[str, str]], units: Mapping[str, str]) -> bytes:
    fields = []
    for name, (dtype, says) in columns.items():
        about = {"description": says, **({"unit": units[name]} if name in units else {})}
        fields.append(pa.field(name, _ARROW[dtype], metadata=about))
    table = pa.Table.from_pandas(frame[list(columns)], schema=pa.schema(fields), preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), buffer, compression="zstd")
    return buffer.getvalue()
