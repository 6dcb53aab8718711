"""Batches: the Parquet files of the processed layer, one of measurements and one of executions for the sessions read together.

    processed/measurements/kind=<kind>/date=<yyyy-mm-dd>/<digest>.parquet
    processed/executions/kind=<kind>/date=<yyyy-mm-dd>/<digest>.parquet

The part after the layer is the batch's key, which the ledger keeps for every session. The same sessions and the same reader give
the same key and the same bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.measurement import EXECUTION_COLUMNS, MEASUREMENT_COLUMNS, typed
from assay.storage import Storage

MEASUREMENTS = "processed/measurements"
EXECUTIONS = "processed/executions"

Columns = Mapping[str, tuple[str, str]]

_ARROW = {
    "string": pa.string(),
    "float64": pa.float64(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
}
_PANDAS = {pa.string(): pd.StringDtype(), pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}


def batch_key(kind: str, day: str, sessions: Iterable[str], version: str) -> str:
    """Where the rows of these sessions lie: a digest of their ids and of the version of the readers, below kind and day."""
    digest = hashlib.sha256("\n".join((version, *sorted(sessions))).encode()).hexdigest()
    return f"kind={kind}/date={day}/{digest[:20]}.parquet"


def write_batch(storage: Storage, key: str, measurements: pd.DataFrame, executions: pd.DataFrame) -> None:
    """Write both files of a batch, replacing what a run that was killed may have left."""
    storage.write(f"{MEASUREMENTS}/{key}", to_parquet(measurements, MEASUREMENT_COLUMNS))
    storage.write(f"{EXECUTIONS}/{key}", to_parquet(executions, EXECUTION_COLUMNS))


def load_batches(storage: Storage, sessions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measurements and executions of rows of the ledger (columns session and batch), in the order of batches and of reading.

    Raises FileNotFoundError if a batch is not there.
    """
    read = sessions.dropna(subset=["batch"])
    wanted = dict(iter(read.groupby("batch", sort=True)["session"]))
    return _load(storage, MEASUREMENTS, wanted, MEASUREMENT_COLUMNS), _load(storage, EXECUTIONS, wanted, EXECUTION_COLUMNS)


def read_batch(storage: Storage, layer: str, wanted: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """By key of a batch its rows in one layer as an Arrow table, those of the sessions that are wanted of it and no others.

    Raises FileNotFoundError if a batch is not there.
    """
    columns = list(MEASUREMENT_COLUMNS if layer == MEASUREMENTS else EXECUTION_COLUMNS)
    tables = {}
    for path, raw in storage.read_many([f"{layer}/{key}" for key in wanted]):
        key = path.removeprefix(f"{layer}/")
        table = pq.read_table(io.BytesIO(raw), columns=columns)
        tables[key] = table.filter(pc.is_in(table["session"], pa.array(sorted(wanted[key]), pa.string())))
    return tables


SESSIONS_AT_ONCE = 1_000


class BatchRows:
    """The measurements of rows of the ledger (columns session and batch), read some days at a time, text as categories."""

    def __init__(self, storage: Storage, sessions: pd.DataFrame) -> None:
        self._storage = storage
        self._sessions = sessions.dropna(subset=["batch"])

    def parts(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """These columns of the tidy table, whole sessions in the order of their ids.

        Raises FileNotFoundError if a batch that the ledger names is not there.
        """
        text = [name for name in columns if MEASUREMENT_COLUMNS[name][0] == "string"]
        # An id begins with the day, and a batch holds sessions of one day: no batch is read for two parts.
        day = self._sessions["session"].astype("object").str[:8]
        order = day.map(day.value_counts().sort_index().cumsum())
        for _, sessions in self._sessions.groupby((order - 1) // SESSIONS_AT_ONCE, sort=True):
            wanted = {str(key): pa.array(sorted(ids), pa.string()) for key, ids in sessions.groupby("batch")["session"]}
            tables = []
            for path, raw in self._storage.read_many(sorted(f"{MEASUREMENTS}/{key}" for key in wanted)):
                table = pq.read_table(io.BytesIO(raw), columns=list(columns), read_dictionary=text)
                chosen = pc.is_in(table["session"].cast(pa.string()), wanted[path.removeprefix(f"{MEASUREMENTS}/")])
                tables.append(table.filter(chosen))
            yield pa.concat_tables(tables).unify_dictionaries().to_pandas(types_mapper=_PANDAS.get)


def to_parquet(frame: pd.DataFrame, columns: Columns) -> bytes:
    """The frame as Parquet, with nothing in it but the rows: the same rows give the same bytes."""
    table = pa.Table.from_pandas(frame, schema=arrow_schema(columns), preserve_index=False).replace_schema_metadata(None)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def arrow_schema(columns: Columns) -> pa.Schema:
    """The columns as Arrow types."""
    return pa.schema([(name, _ARROW[dtype]) for name, (dtype, _) in columns.items()])


def _load(storage: Storage, layer: str, wanted: Mapping[str, Iterable[str]], columns: Columns) -> pd.DataFrame:
    tables = read_batch(storage, layer, wanted)
    return typed(_joined([tables[key] for key in wanted], arrow_schema(columns)), columns)


def _joined(tables: Sequence[Any], schema: pa.Schema) -> pd.DataFrame:
    table = pa.concat_tables([table.cast(schema) for table in tables]) if tables else schema.empty_table()
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get)
    return frame
