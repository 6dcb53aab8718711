"""The same statistics over Parquet files that are too large to hold as a frame: DuckDB sorts the rows, the definition stays.

DuckDB filters and sorts (it can, in bounded memory and on all cores); `statistics_of` computes from the sorted rows, a stretch of
whole groups at a time. A parity test holds this and `summarize` together, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from assay.summarize.sorted_rows import GROUP_COLUMNS, SortedRows, run_starts
from assay.summarize.statistics import finish, statistics_of

_ROWS_AT_ONCE = 1_000_000
_ROWS_SORTED = 6_000_000
_KEY = ", ".join(f'"{name}"' for name in GROUP_COLUMNS)
# A 64-bit hash of the key stands for it while sorting: one number instead of nine texts. `_keys` refuses a collision.
_HASH = f"hash({_KEY})"


class HashCollision(Exception):
    """Two keys have one hash, so this engine cannot tell them apart; `summarize` can."""


def summarize_parquet(files: Sequence[Path], where: Mapping[str, Path] | None = None) -> pd.DataFrame:
    """As `assay.summarize.statistics.summarize`, for the rows in these Parquet files of the tidy table.

    `where`: the sessions that count, each with the one file whose rows are its own; None takes every row.
    Raises ValueError if there is no file or a value is not finite, HashCollision in the one case in 10^9 or so that this engine
    cannot serve.
    """
    if not files:
        raise ValueError("no Parquet files were given")
    with duckdb.connect() as connection:
        names = _number_sessions(connection, [str(file) for file in files], where)
        keys, hashes = _keys(connection)
        tables, codes = [], []
        using = "session" if where is None else "session, filename"
        for rows, groups in _stretches(connection, hashes, using):
            table, part = statistics_of(rows)
            tables.append(table.assign(_group=groups))
            codes.append(part)
    if not tables:
        raise ValueError("no execution of these sessions is in these files")
    table = pd.concat(tables, ignore_index=True)
    return finish(keys.iloc[table.pop("_group")], table, names[np.concatenate(codes)])


def _number_sessions(
    connection: duckdb.DuckDBPyConnection, files: list[str], where: Mapping[str, Path] | None
) -> NDArray[np.object_]:
    """Make the view `scan` of all rows and the table `numbers` of the sessions that count. Gives their ids by number."""
    connection.execute("SET preserve_insertion_order = false")
    connection.read_parquet(files, filename=where is not None).create_view("scan")
    if where is None:
        every = connection.sql("SELECT DISTINCT session FROM scan").fetchnumpy()["session"]
        names = np.sort(np.asarray(every, dtype=object))
    else:
        names = np.array(sorted(where), dtype=object)
    columns = {"session": pa.array(names, pa.string()), "number": pa.array(np.arange(len(names)), pa.int32())}
    if where is not None:
        columns["filename"] = pa.array([str(where[name]) for name in names], pa.string())
    connection.register("numbered", pa.table(columns))
    connection.execute("CREATE TEMP TABLE numbers AS FROM numbered")
    return names


def _keys(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, NDArray[np.uint64]]:
    """Every key that occurs and its hash, in the order of the hashes."""
    fields = ", ".join(f'"{name}" := "{name}"' for name in GROUP_COLUMNS)
    # Grouped by two hashes: where two keys share the first, the second tells them apart, and the first occurs twice.
    found = connection.sql(
        f"SELECT {_HASH} AS hash, hash('second', {_KEY}) AS second, any_value(struct_pack({fields})) AS key "  # noqa: S608 - constants
        "FROM scan WHERE iteration IS NULL GROUP BY hash, second ORDER BY hash"
    ).to_arrow_table()
    hashes = found["hash"].to_numpy()
    if len(np.unique(hashes)) != len(hashes):
        raise HashCollision(f"two of {len(hashes)} aggregation keys have the same 64-bit hash; summarize them with pandas")
    return pa.Table.from_struct_array(found["key"].combine_chunks()).to_pandas(), hashes


def _stretches(
    connection: duckdb.DuckDBPyConnection, hashes: NDArray[np.uint64], using: str
) -> Iterator[tuple[SortedRows, NDArray[np.int64]]]:
    """The sorted rows, whole groups at a time, and for each group of a stretch its position in `hashes`."""
    total, summaries = connection.sql("SELECT count(*), count(summary_n) FROM scan WHERE iteration IS NULL").fetchall()[0]
    summary = ", summary_n::DOUBLE AS summary_n, summary_sd" if summaries else ""
    order = "hash, value, number" + (", summary_n, summary_sd" if summaries else "")
    # Sorted share by share of the keys: what one sort holds in memory stays bounded however many rows there are.
    shares = total // _ROWS_SORTED + 1
    for share in range(shares):
        result = connection.sql(
            f"SELECT hash, value, number{summary} FROM numbers JOIN ("  # noqa: S608 - constants
            f"  SELECT {_HASH} AS hash, * FROM scan WHERE iteration IS NULL AND {_HASH} % {shares} = {share}"
            f") USING ({using}) ORDER BY {order}"
        )
        rest: list[pa.RecordBatch] = []
        for batch in result.to_arrow_reader(_ROWS_AT_ONCE):
            end = _last_group(batch["hash"].to_numpy())
            if end:
                yield _sorted(pa.Table.from_batches([*rest, batch.slice(0, end)]), hashes)
                rest = []
            rest.append(batch.slice(end))
        if rest:
            yield _sorted(pa.Table.from_batches(rest), hashes)


def _last_group(hashes: NDArray[np.uint64]) -> int:
    """Where the last group of a batch starts: it may go on in the next batch."""
    return int(np.searchsorted(hashes, hashes[-1])) if len(hashes) else 0


def _sorted(table: pa.Table, hashes: NDArray[np.uint64]) -> tuple[SortedRows, NDArray[np.int64]]:
    columns = {name: table[name].to_numpy() for name in table.column_names}
    starts = run_starts(columns["hash"])
    groups = np.searchsorted(hashes, columns["hash"][starts])
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(table))))
    rows = SortedRows(number, columns["value"], columns["number"], columns.get("summary_n"), columns.get("summary_sd"))
    return rows, groups
