"""Whether anything in the ledger changed: one short text for all that a dataset's rows say, without reading what they say."""

from __future__ import annotations

from sqlalchemy import Connection, Table, text

from assay.database.models import ArchivedSession, ArchiveRow, ArchiveVolume, Base, RawFileRow, Run, SnapshotSession

_FOLLOWS = frozenset(
    table.__tablename__ for table in (RawFileRow, SnapshotSession, Run, ArchiveRow, ArchiveVolume, ArchivedSession)
)
"""Tables that change only together with another, or that no document is built from."""


def fingerprint(connection: Connection, dataset: str) -> str:
    """Another text after every committed change to the dataset's rows, or to rows that all datasets share; else the same.

    Made of the number of rows of each table and the transactions (`xmin`) that wrote them: the tables are counted, not read.
    """
    counted = [_counted(table) for table in Base.metadata.sorted_tables if table.name not in _FOLLOWS]
    rows = connection.execute(text(" UNION ALL ".join(counted)), {"dataset": dataset})
    return " ".join(f"{name}={rows}/{written}/{last}" for name, rows, written, last in sorted(tuple(row) for row in rows))


def _counted(table: Table) -> str:
    which = "WHERE dataset = :dataset" if "dataset" in table.columns else ""
    return (
        f"SELECT '{table.name}', count(*), coalesce(sum(xmin::text::bigint), 0), coalesce(max(xmin::text::bigint), 0) "  # noqa: S608
        f"FROM {table.fullname} {which}"
    )
