"""Archives in the ledger: which sessions go into one, what was proven of it, and which raw objects may be deleted therefore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import load_temporary
from assay.database.queries import read_frame

ROWS_AT_ONCE = 1_000
CLEANED_KINDS = ("instance_benchmark",)
"""Kinds whose raw objects may be deleted once an archive holds them. Recordings never are."""

TO_CLEAN = "to clean"
_WHY_KEPT = """CASE
  WHEN a.cleaned_at IS NOT NULL THEN 'cleaned before'
  WHEN NOT s.kind = ANY(:kinds) THEN 'of a kind that is never deleted'
  WHEN s.verdict IS NULL THEN 'not judged yet'
  WHEN s.verdict IN ('quarantined', 'rejected') THEN 'kept out by a rule or a person: what fails is kept'
  WHEN NOT EXISTS (SELECT FROM assay.snapshot_sessions i JOIN assay.snapshots n USING (dataset, name)
    WHERE i.dataset = s.dataset AND i.session = s.session AND n.state = 'published') THEN 'in no published snapshot'
  WHEN a.session IS NULL OR NOT EXISTS (SELECT FROM assay.snapshot_sessions i JOIN assay.snapshots n USING (dataset, name)
    JOIN assay.archives v ON v.dataset = n.dataset AND v.snapshot = n.name
    WHERE i.dataset = s.dataset AND i.session = s.session AND n.state = 'published') THEN 'in no proven archive'
  WHEN NOT a.whole THEN 'not what its manifest lists'
  WHEN EXISTS (SELECT FROM assay.datasets d JOIN assay.sessions o ON o.dataset = d.dataset AND o.session = s.session
    LEFT JOIN assay.archived_sessions b ON b.dataset = o.dataset AND b.session = o.session
    WHERE d.dataset <> s.dataset AND o.prefix = s.prefix AND (b.whole IS NOT TRUE OR o.verdict IS NULL
    OR o.verdict IN ('quarantined', 'rejected'))) THEN 'needed by another dataset'
  WHEN greatest(s.registered_at, a.restored_at) > now() - make_interval(days => :days) THEN 'younger than the retention'
  ELSE 'to clean' END"""
_FROM = "FROM assay.sessions s LEFT JOIN assay.archived_sessions a USING (dataset, session) WHERE s.dataset = :dataset"


@dataclass(frozen=True)
class VolumeFacts:
    """A volume as it was when it was proven."""

    archive: str
    volume: str
    bytes: int
    sha256: str
    content_bytes: int
    sessions: int
    objects: int


def sessions_of_snapshot(
    connection: Connection, dataset: str, snapshot: str, held: Iterable[str], archived: bool
) -> Iterator[dict[str, Any]]:
    """The sessions that went into a snapshot, and those of `held`, in the order of their keys in raw storage, one by one.

    `archived`: those that a proven archive holds whole, with `archive`, `volume`, `objects` and `bytes`; else the others. Each
    with `accepted` (went in). The rows are fetched as they are used: memory does not grow with their number.
    """
    return _streamed(
        connection,
        "SELECT s.session, s.kind, s.subject, s.prefix, s.manifest_sha256, s.source_file, s.started_at, s.ended_at, s.source, "
        "s.source_version, s.licence, s.attribution, s.url, s.labels, i.session IS NOT NULL AS accepted, "
        "a.archive, a.volume, a.objects, a.bytes FROM assay.sessions s "
        "LEFT JOIN assay.snapshot_sessions i ON i.dataset = s.dataset AND i.session = s.session AND i.name = :snapshot "
        "LEFT JOIN assay.archived_sessions a ON a.dataset = s.dataset AND a.session = s.session "
        "WHERE s.dataset = :dataset AND (i.session IS NOT NULL OR s.session = ANY(:held)) "
        'AND (a.whole IS TRUE) = :archived ORDER BY s.prefix COLLATE "C"',
        {"dataset": dataset, "snapshot": snapshot, "held": list(held), "archived": archived},
    )


def note_archive(
    connection: Connection,
    dataset: str,
    snapshot: str,
    *,
    place: str,
    index_sha256: str,
    volumes: Sequence[VolumeFacts],
    sessions: Iterable[pd.DataFrame],
) -> None:
    """Enter a proven archive: its volumes, the sessions in them (columns session, archive, volume, whole, objects, bytes)."""
    for volume in volumes:
        connection.execute(
            text(
                "INSERT INTO assay.archive_volumes (dataset, archive, volume, bytes, sha256, content_bytes, sessions, objects) "
                "VALUES (:dataset, :archive, :volume, :bytes, :sha256, :content_bytes, :sessions, :objects) "
                "ON CONFLICT DO NOTHING"
            ),
            {"dataset": dataset, **vars(volume)},
        )
    count = 0
    for part in sessions:
        load_temporary(connection, "given", part, ["text", "text", "text", "boolean", "integer", "bigint"])
        connection.execute(
            text(
                "INSERT INTO assay.archived_sessions (dataset, session, archive, volume, whole, objects, bytes) "
                "SELECT :dataset, session, archive, volume, whole, objects, bytes FROM given ON CONFLICT DO NOTHING"
            ),
            {"dataset": dataset},
        )
        count += len(part)
    connection.execute(
        text(
            "INSERT INTO assay.archives (dataset, snapshot, place, index_sha256, sessions) "
            "VALUES (:dataset, :snapshot, :place, :index_sha256, :sessions) ON CONFLICT DO NOTHING"
        ),
        {"dataset": dataset, "snapshot": snapshot, "place": place, "index_sha256": index_sha256, "sessions": count},
    )


def archives(connection: Connection, dataset: str) -> pd.DataFrame:
    """Every proven archive, oldest first: snapshot, place, index_sha256, sessions, verified_at."""
    return read_frame(
        connection,
        "SELECT snapshot, place, index_sha256, sessions, verified_at FROM assay.archives WHERE dataset = :dataset "
        "ORDER BY verified_at, snapshot",
        {"dataset": dataset},
    )


def volumes(connection: Connection, dataset: str) -> dict[tuple[str, str], VolumeFacts]:
    """Every proven volume, by archive and name."""
    rows = connection.execute(
        text(
            "SELECT archive, volume, bytes, sha256, content_bytes, sessions, objects FROM assay.archive_volumes "
            "WHERE dataset = :dataset ORDER BY archive, volume"
        ),
        {"dataset": dataset},
    )
    return {(row.archive, row.volume): VolumeFacts(**row._mapping) for row in rows}


def archived(connection: Connection, dataset: str, sessions: Iterable[str]) -> pd.DataFrame:
    """Of these sessions those that a proven archive holds: session, archive, volume, cleaned_at, place."""
    return read_frame(
        connection,
        "SELECT a.session, a.archive, a.volume, a.cleaned_at, v.place FROM assay.archived_sessions a "
        "LEFT JOIN assay.archives v ON v.dataset = a.dataset AND v.snapshot = a.archive "
        "WHERE a.dataset = :dataset AND a.session = ANY(:sessions) ORDER BY a.session",
        {"dataset": dataset, "sessions": list(sessions)},
    )


def manifests(connection: Connection, dataset: str, sessions: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Prefix and SHA-256 of the manifest of those of the sessions that the ledger knows."""
    rows = connection.execute(
        text("SELECT session, prefix, manifest_sha256 FROM assay.sessions WHERE dataset = :dataset AND session = ANY(:sessions)"),
        {"dataset": dataset, "sessions": list(sessions)},
    )
    return {session: (prefix, digest) for session, prefix, digest in rows}


def count_by_reason(connection: Connection, dataset: str, days: int) -> dict[str, tuple[int, int, int]]:
    """Sessions, objects and bytes of raw files by why they are kept; TO_CLEAN: those that may be deleted."""
    rows = connection.execute(
        text(
            f"SELECT why, count(*), sum(objects)::bigint, sum(bytes)::bigint FROM (SELECT {_WHY_KEPT} AS why, "  # noqa: S608
            "coalesce(f.objects, 0) + 1 AS objects, coalesce(f.bytes, 0) AS bytes FROM assay.sessions s "
            "LEFT JOIN assay.archived_sessions a USING (dataset, session) LEFT JOIN (SELECT session, count(*) AS objects, "
            "sum(size) AS bytes FROM assay.raw_files WHERE dataset = :dataset GROUP BY session) f ON f.session = s.session "
            "WHERE s.dataset = :dataset) c GROUP BY why ORDER BY why"
        ),
        {"dataset": dataset, "kinds": list(CLEANED_KINDS), "days": days},
    )
    return {why: (int(sessions), int(objects), int(size)) for why, sessions, objects, size in rows}


def sessions_to_clean(connection: Connection, dataset: str, days: int) -> Iterator[dict[str, Any]]:
    """The sessions whose raw objects may be deleted, by volume and key, one by one: session, prefix, archive, volume."""
    return _streamed(
        connection,
        f"SELECT s.session, s.prefix, a.archive, a.volume, a.objects {_FROM} AND a.session IS NOT NULL "
        f"AND {_WHY_KEPT} = '{TO_CLEAN}' ORDER BY a.archive, a.volume, s.prefix COLLATE \"C\"",
        {"dataset": dataset, "kinds": list(CLEANED_KINDS), "days": days},
    )


def still_to_clean(connection: Connection, dataset: str, days: int, sessions: Iterable[str]) -> set[str]:
    """Those of the sessions whose raw objects may be deleted now."""
    found = connection.execute(
        text(f"SELECT s.session {_FROM} AND s.session = ANY(:sessions) AND {_WHY_KEPT} = '{TO_CLEAN}'"),
        {"dataset": dataset, "kinds": list(CLEANED_KINDS), "days": days, "sessions": list(sessions)},
    )
    return set(found.scalars())


def note_cleaned(connection: Connection, dataset: str, sessions: Iterable[str]) -> None:
    """Note that the raw objects of sessions were deleted."""
    connection.execute(
        text("UPDATE assay.archived_sessions SET cleaned_at = now() WHERE dataset = :dataset AND session = ANY(:sessions)"),
        {"dataset": dataset, "sessions": list(sessions)},
    )


def note_restored(connection: Connection, dataset: str, sessions: Iterable[str]) -> None:
    """Note that the raw objects of sessions are there again."""
    connection.execute(
        text(
            "UPDATE assay.archived_sessions SET cleaned_at = NULL, restored_at = now() "
            "WHERE dataset = :dataset AND session = ANY(:sessions)"
        ),
        {"dataset": dataset, "sessions": list(sessions)},
    )


def _streamed(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The answer's rows through a cursor of the server's, some at a time."""
    streaming = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    for row in streaming.execute(text(statement), parameters).mappings():
        yield dict(row)
