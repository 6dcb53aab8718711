"""Accounting, run by run."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.queries import Accounting, accounting, read_frame


def record_run(
    connection: Connection, dataset: str, run: str, what: str, started_at: datetime, ended_at: datetime, already_there: int
) -> Accounting:
    """Write down the accounting of a run from what it registered and rejected; `read` also counts what was there already."""
    made = accounting(connection, dataset, run)
    total = Accounting(made.read + already_there, made.accepted, made.quarantined, made.rejected, made.pending)
    connection.execute(
        text(
            "INSERT INTO assay.runs (dataset, run, what, started_at, ended_at, read, already_there, accepted, quarantined, "
            "rejected, pending) VALUES (:dataset, :run, :what, :started_at, :ended_at, :read, :already_there, :accepted, "
            ":quarantined, :rejected, :pending) ON CONFLICT (dataset, run) DO UPDATE SET ended_at = excluded.ended_at, "
            "read = excluded.read, already_there = excluded.already_there, accepted = excluded.accepted, "
            "quarantined = excluded.quarantined, rejected = excluded.rejected, pending = excluded.pending"
        ),
        {
            "dataset": dataset,
            "run": run,
            "what": what,
            "started_at": started_at,
            "ended_at": ended_at,
            "already_there": already_there,
            "read": total.read,
            "accepted": total.accepted,
            "quarantined": total.quarantined,
            "rejected": total.rejected,
            "pending": total.pending,
        },
    )
    return total


def runs(connection: Connection, dataset: str) -> pd.DataFrame:
    """Every run and its accounting, oldest first."""
    return read_frame(
        connection,
        "SELECT run, what, started_at, ended_at, read, already_there, accepted, quarantined, rejected, pending "
        "FROM assay.runs WHERE dataset = :dataset ORDER BY started_at, run",
        {"dataset": dataset},
    )
