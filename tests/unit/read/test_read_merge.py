"""Batches put together: every row once, in order, in files that close at the size that is asked."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assay.measurement import EXECUTION_COLUMNS, MEASUREMENT_COLUMNS, Execution, Measurement, execution_frame, measurement_frame
from assay.read import merge as merging
from assay.read.batches import arrow_schema
from assay.read.merge import Large, Small, merge
from hypothesis import given, settings
from hypothesis import strategies as st

SIZES = st.lists(st.integers(0, 12), max_size=12)


def small(number: int, rows: int) -> Small:
    run = Execution(tool="stream", execution=1)
    name = f"session-{number:03d}"
    numbers = [Measurement("stream", "triad_bandwidth", number + place / 16, "GB/s") for place in range(rows)]
    return Small(
        f"kind=x/date=2025-01-01/{number:03d}.parquet",
        arrow(measurement_frame((name, "m7i.large", run, one, "stdout.txt") for one in numbers), MEASUREMENT_COLUMNS),
        arrow(execution_frame([(name, "m7i.large", run)]), EXECUTION_COLUMNS),
    )


def arrow(frame: pd.DataFrame, columns: object) -> pa.Table:
    return pa.Table.from_pandas(frame, schema=arrow_schema(columns), preserve_index=False)  # type: ignore[arg-type]


def values(found: list[Large]) -> list[float]:
    return [value for one in found for value in pq.read_table(io.BytesIO(one.measurements))["value"].to_pylist()]


@pytest.fixture(autouse=True)
def few_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", 5)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.sampled_from([1, 3_000, 1_000_000]))
def test_any_batches_come_out_once_in_their_order_and_give_the_same_bytes_again(sizes: list[int], full_bytes: int) -> None:
    batches = [small(number, rows) for number, rows in enumerate(sizes)]
    found = list(merge(batches, full_bytes))
    assert [part for one in found for part in one.parts] == [batch.key for batch in batches]
    assert values(found) == [value for batch in batches for value in batch.measurements["value"].to_pylist()]
    assert sum(pq.read_table(io.BytesIO(one.executions)).num_rows for one in found) == len(sizes)
    assert [one.digest for one in merge(iter(batches), full_bytes)] == [one.digest for one in found]
    assert len({one.digest for one in found}) == len(found)


def test_a_file_closes_when_it_is_full_and_a_batch_is_never_split() -> None:
    batches = [small(number, 4) for number in range(6)]
    found = list(merge(batches, 1))
    assert [len(one.parts) for one in found] == [1] * 6
    assert len(list(merge(batches, 1_000_000))) == 1
    one = pq.ParquetFile(io.BytesIO(next(merge(batches, 1_000_000)).measurements))
    assert one.metadata.num_rows == 24
    assert one.metadata.num_row_groups < 6


def test_nothing_gives_nothing() -> None:
    assert list(merge([], 10)) == []
