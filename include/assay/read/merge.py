"""Small batches put together: their rows in the order given, in few large files that are named after their content.

The measure is what comes out, not what goes in: a file of ten rows is nearly all header, so thousands of them may fit into one.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.measurement import EXECUTION_COLUMNS, MEASUREMENT_COLUMNS
from assay.read.batches import arrow_schema

ROWS_AT_ONCE = 200_000
"""Rows that are held before they are written as a row group; what bounds memory."""


@dataclass(frozen=True)
class Small:
    """A batch to be put into a larger one: its key, and its rows as Arrow tables."""

    key: str
    measurements: Any
    executions: Any


@dataclass(frozen=True)
class Large:
    """A batch made of others: the digest of its content, both files as Parquet, and the keys of those it is made of."""

    digest: str
    measurements: bytes
    executions: bytes
    parts: tuple[str, ...]


def merge(batches: Iterable[Small], full_bytes: int) -> Iterator[Large]:
    """Put batches together in their order; one that has reached `full_bytes` of measurements is closed and the next begun.

    A batch is never split. The same batches give the same bytes.
    """
    writer = _Writer()
    for batch in batches:
        writer.add(batch)
        if writer.measurements.size >= full_bytes:
            yield writer.close()
            writer = _Writer()
    if writer.parts:
        yield writer.close()


class _Layer:
    """One Parquet file in the making."""

    def __init__(self, columns: Any) -> None:
        self.schema = arrow_schema(columns)
        self._buffer = io.BytesIO()
        self._writer = pq.ParquetWriter(self._buffer, self.schema, compression="zstd")
        self._waiting: list[Any] = []
        self._rows = 0

    @property
    def size(self) -> int:
        """Bytes written so far; rows that wait are not among them."""
        return self._buffer.tell()

    def add(self, table: Any) -> None:
        self._waiting.append(table.select(self.schema.names).cast(self.schema))
        self._rows += table.num_rows
        if self._rows >= ROWS_AT_ONCE:
            self._flush()

    def close(self) -> bytes:
        self._flush()
        self._writer.close()
        return self._buffer.getvalue()

    def _flush(self) -> None:
        if self._rows:
            table = pa.concat_tables(self._waiting).replace_schema_metadata(None).combine_chunks()
            self._writer.write_table(table, row_group_size=table.num_rows)
        self._waiting, self._rows = [], 0


class _Writer:
    """Both files of a large batch."""

    def __init__(self) -> None:
        self.measurements, self._executions = _Layer(MEASUREMENT_COLUMNS), _Layer(EXECUTION_COLUMNS)
        self.parts: list[str] = []

    def add(self, batch: Small) -> None:
        self.measurements.add(batch.measurements)
        self._executions.add(batch.executions)
        self.parts.append(batch.key)

    def close(self) -> Large:
        measurements, executions = self.measurements.close(), self._executions.close()
        digest = hashlib.sha256(hashlib.sha256(measurements).digest() + hashlib.sha256(executions).digest()).hexdigest()
        return Large(digest, measurements, executions, tuple(self.parts))
