"""Snapshots of a dataset: building, committed to the target, published once read back, damaged if that gave something else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, Row, text

from assay.database import deliveries
from assay.database.copy import load_temporary, storable
from assay.database.queries import read_frame
from assay.database.words import SnapshotState
from assay.errors import AssayError, DatasetConflict

SNAPSHOT_COLUMNS = (
    "name",
    "state",
    "commit",
    "content_digest",
    "manifest_sha256",
    "last_updated",
    "target",
    "approved_by",
    "fault",
    "begun_at",
    "committed_at",
    "published_at",
)


MAX_FAULT_CHARS = 2_000


def begin_snapshot(
    connection: Connection,
    dataset: str,
    name: str,
    *,
    content_digest: str,
    sessions: Iterable[str],
    last_updated: datetime | None,
    target: str,
    approved_by: str,
) -> None:
    """Note that a snapshot is being built, in place of any other that was begun and not committed.

    Begun again with the same content it goes on where it is; a name that is committed never changes: DatasetConflict.
    """
    there = _find(connection, dataset, name)
    if there is not None and there.state != SnapshotState.BUILDING:
        if there.content_digest != content_digest:
            raise DatasetConflict(
                f"snapshot {name!r} of dataset {dataset!r} is {there.state} with other content ({there.content_digest}); "
                "a snapshot never changes: take another name"
            )
        return
    connection.execute(text("DELETE FROM assay.snapshots WHERE dataset = :dataset AND state = 'building'"), {"dataset": dataset})
    connection.execute(
        text(
            "INSERT INTO assay.snapshots (dataset, name, state, content_digest, manifest_sha256, last_updated, target, commit, "
            "approved_by) VALUES (:dataset, :name, 'building', :content_digest, '', :last_updated, :target, '', :approved_by)"
        ),
        {
            "dataset": dataset,
            "name": name,
            "content_digest": content_digest,
            "last_updated": last_updated,
            "target": target,
            "approved_by": approved_by,
        },
    )
    load_temporary(connection, "given", pd.DataFrame({"session": sorted(set(sessions))}, dtype="string"), ["text"])
    connection.execute(
        text("INSERT INTO assay.snapshot_sessions (dataset, name, session) SELECT :dataset, :name, session FROM given"),
        {"dataset": dataset, "name": name},
    )


def commit_snapshot(connection: Connection, dataset: str, name: str, *, commit: str, manifest_sha256: str) -> None:
    """Note that the target holds the snapshot. Again with the same commit: nothing; with another: DatasetConflict."""
    there = _require(connection, dataset, name)
    if there.state != SnapshotState.BUILDING:
        if (there.commit, there.manifest_sha256) != (commit, manifest_sha256):
            raise DatasetConflict(f"snapshot {name!r} of dataset {dataset!r} is commit {there.commit}, not {commit}")
        return
    connection.execute(
        text(
            "UPDATE assay.snapshots SET state = 'committed', commit = :commit, manifest_sha256 = :manifest_sha256, "
            "committed_at = now() WHERE dataset = :dataset AND name = :name"
        ),
        {"dataset": dataset, "name": name, "commit": commit, "manifest_sha256": manifest_sha256},
    )


def publish_snapshot(connection: Connection, dataset: str, name: str, channels: Iterable[str] = ()) -> None:
    """Note that the snapshot was read back and is whole, and who is to be told. Raises AssayError if it was not committed."""
    there = _require(connection, dataset, name)
    if there.state == SnapshotState.BUILDING:
        raise AssayError(f"snapshot {name!r} of dataset {dataset!r} is not committed; it cannot be published")
    done = connection.execute(
        text(
            "UPDATE assay.snapshots SET state = 'published', published_at = coalesce(published_at, now()), fault = '' "
            "WHERE dataset = :dataset AND name = :name AND state IN ('committed', 'damaged')"
        ),
        {"dataset": dataset, "name": name},
    )
    if done.rowcount:
        deliveries.announce(connection, dataset, name, channels)


def damage_snapshot(connection: Connection, dataset: str, name: str, fault: str) -> None:
    """Note that what was read back is not what was sent: the snapshot is not published, or not any more."""
    there = _require(connection, dataset, name)
    if there.state == SnapshotState.BUILDING:
        raise AssayError(f"snapshot {name!r} of dataset {dataset!r} is not committed; it cannot be damaged")
    connection.execute(
        text("UPDATE assay.snapshots SET state = 'damaged', fault = :fault WHERE dataset = :dataset AND name = :name"),
        {"dataset": dataset, "name": name, "fault": storable(fault)[:MAX_FAULT_CHARS]},
    )


def discard_snapshot(connection: Connection, dataset: str, name: str) -> None:
    """Forget a snapshot that was begun and not committed; no error if there is none."""
    connection.execute(
        text("DELETE FROM assay.snapshots WHERE dataset = :dataset AND name = :name AND state = 'building'"),
        {"dataset": dataset, "name": name},
    )


def snapshots(connection: Connection, dataset: str) -> pd.DataFrame:
    """Every snapshot, oldest first: SNAPSHOT_COLUMNS and `sessions`, how many went in."""
    columns = ", ".join(f"n.{name}" for name in SNAPSHOT_COLUMNS)
    return read_frame(
        connection,
        f"SELECT {columns}, "  # noqa: S608
        "(SELECT count(*) FROM assay.snapshot_sessions i WHERE i.dataset = n.dataset AND i.name = n.name) AS sessions "
        "FROM assay.snapshots n WHERE n.dataset = :dataset ORDER BY n.begun_at, n.name",
        {"dataset": dataset},
    )


def _find(connection: Connection, dataset: str, name: str) -> Row[tuple[str, str, str, str]] | None:
    return connection.execute(
        text(
            "SELECT state, content_digest, commit, manifest_sha256 FROM assay.snapshots WHERE dataset = :dataset AND name = :name"
        ),
        {"dataset": dataset, "name": name},
    ).one_or_none()


def _require(connection: Connection, dataset: str, name: str) -> Row[tuple[str, str, str, str]]:
    there = _find(connection, dataset, name)
    if there is None:
        raise AssayError(f"snapshot {name!r} of dataset {dataset!r} was not begun")
    return there
