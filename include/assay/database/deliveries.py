"""Who is to be told of a snapshot, and who was."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import storable
from assay.database.queries import read_frame

MAX_ERROR_CHARS = 500


def announce(connection: Connection, dataset: str, name: str, channels: Iterable[str]) -> None:
    """Note that these channels are to be told of a snapshot; those that were are not told again."""
    for channel in channels:
        connection.execute(
            text(
                "INSERT INTO assay.deliveries (dataset, name, channel, state, attempts, error) "
                "VALUES (:dataset, :name, :channel, 'pending', 0, '') ON CONFLICT DO NOTHING"
            ),
            {"dataset": dataset, "name": name, "channel": channel},
        )


def note_delivery(connection: Connection, dataset: str, name: str, channel: str, error: str) -> None:
    """Note a try: delivered if there is no error. What was delivered stays so."""
    connection.execute(
        text(
            "UPDATE assay.deliveries SET attempts = attempts + 1, error = :error, "
            "state = CASE WHEN :error = '' THEN 'delivered' ELSE 'pending' END, "
            "delivered_at = CASE WHEN :error = '' THEN now() END "
            "WHERE dataset = :dataset AND name = :name AND channel = :channel AND state = 'pending'"
        ),
        {"dataset": dataset, "name": name, "channel": channel, "error": storable(error)[:MAX_ERROR_CHARS]},
    )


def deliveries(connection: Connection, dataset: str) -> pd.DataFrame:
    """Every notification, that about the oldest snapshot first: name, commit, content_digest, channel, state (of the delivery),
    snapshot_state, attempts, error, delivered_at."""
    return read_frame(
        connection,
        "SELECT d.name, n.commit, n.content_digest, d.channel, d.state, n.state AS snapshot_state, d.attempts, d.error, "
        "d.delivered_at FROM assay.deliveries d JOIN assay.snapshots n USING (dataset, name) WHERE d.dataset = :dataset "
        "ORDER BY n.begun_at, d.name, d.channel",
        {"dataset": dataset},
    )
