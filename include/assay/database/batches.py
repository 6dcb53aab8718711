"""Where the rows of sessions lie, and which files of the processed layer are to go.

A file is loose from the moment it is announced until a session names it, and again once no session names it any more. The list
of loose files outlives every kill, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import load_temporary
from assay.database.queries import read_frame


def batches(connection: Connection, dataset: str) -> pd.DataFrame:
    """Session and batch of every session that was read, ordered by both."""
    frame = read_frame(
        connection,
        "SELECT session, batch FROM assay.sessions WHERE dataset = :dataset AND batch IS NOT NULL ORDER BY batch, session",
        {"dataset": dataset},
    )
    return frame.astype("string")


def announce(connection: Connection, batch: str) -> None:
    """Note a file that is about to be written and that no session names yet."""
    connection.execute(text("INSERT INTO assay.loose_batches (batch) VALUES (:batch) ON CONFLICT DO NOTHING"), {"batch": batch})


def move(connection: Connection, dataset: str, moves: pd.DataFrame) -> int:
    """Rows of sessions lie in another file now (columns session, old, new); the old files become loose. Gives the sessions moved.

    A session whose rows lie elsewhere by now stays where it is.
    """
    load_temporary(connection, "given", moves[["session", "old", "new"]], ["text", "text", "text"])
    moved = connection.execute(
        text(
            "UPDATE assay.sessions s SET batch = g.new FROM given g "
            "WHERE s.dataset = :dataset AND s.session = g.session AND s.batch = g.old AND g.new <> g.old"
        ),
        {"dataset": dataset},
    )
    connection.execute(text("INSERT INTO assay.loose_batches (batch) SELECT DISTINCT old FROM given ON CONFLICT DO NOTHING"))
    return moved.rowcount


def loose(connection: Connection) -> list[str]:
    """Loose files that no session of any dataset names, sorted."""
    found = connection.execute(
        text(
            "SELECT batch FROM assay.loose_batches l "
            "WHERE NOT EXISTS (SELECT FROM assay.sessions s WHERE s.batch = l.batch) ORDER BY batch"
        )
    )
    return list(found.scalars())


def forget(connection: Connection, gone: Iterable[str]) -> None:
    """Strike files off the list: those that were removed, and those that a session names."""
    connection.execute(
        text(
            "DELETE FROM assay.loose_batches l WHERE l.batch = ANY(:gone) "
            "OR EXISTS (SELECT FROM assay.sessions s WHERE s.batch = l.batch)"
        ),
        {"gone": list(gone)},
    )
