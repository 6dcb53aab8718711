"""What must lie in storage by the word of the database, in the order of the keys; and what its own rows contradict.

Rows come through a cursor of the server's: memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, text

ROWS_AT_ONCE = 2_000


class Standing(IntEnum):
    """Whether an object must be there. Where several rows name one key, the least counts."""

    NEEDED = 0
    COMING = 1
    """It may be there: an upload on its way, or a batch that is about to be written or to go."""
    CLEANED = 2
    """It must not be there: it was deleted once its archive was proven."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An object by the word of the database. `what`: raw file, manifest, batch or processed file; size or hash may be unknown."""

    key: str
    size: int | None
    sha256: str | None
    session: str
    what: str
    standing: Standing


_RAW = """
SELECT s.prefix || f.path AS key, f.size, f.sha256, s.session, 'raw file' AS what,
  CASE WHEN a.cleaned_at IS NULL THEN 0 ELSE 2 END AS standing
FROM assay.sessions s JOIN assay.raw_files f USING (dataset, session) LEFT JOIN assay.archived_sessions a USING (dataset, session)
WHERE (s.kind = 'recording') = ANY(:recordings)
UNION ALL
SELECT s.prefix || 'manifest.json', NULL, s.manifest_sha256, s.session, 'manifest',
  CASE WHEN a.cleaned_at IS NULL THEN 0 ELSE 2 END
FROM assay.sessions s LEFT JOIN assay.archived_sessions a USING (dataset, session)
WHERE (s.kind = 'recording') = ANY(:recordings)
UNION ALL
SELECT u.prefix || p.path, NULL, NULL, u.session, 'raw file', 1 FROM assay.uploads u
CROSS JOIN LATERAL (SELECT 'manifest.json' AS path
  UNION ALL SELECT file ->> 'path' FROM jsonb_array_elements(u.manifest::jsonb -> 'files') file) p
WHERE true = ANY(:recordings)
  AND NOT EXISTS (SELECT FROM assay.sessions s WHERE s.dataset = u.dataset AND s.session = u.session)
"""
_PROCESSED = """
UNION ALL
SELECT layer || b.batch, NULL, NULL, '', 'batch', b.standing
FROM (SELECT DISTINCT batch, 0 AS standing FROM assay.sessions WHERE batch IS NOT NULL
  UNION ALL SELECT batch, 1 FROM assay.loose_batches) b
CROSS JOIN (VALUES ('processed/executions/'), ('processed/measurements/')) layers (layer)
UNION ALL
SELECT key, size, sha256, session, 'processed file', 0 FROM assay.processed_files
"""


def expected_objects(connection: Connection, *, recordings: tuple[bool, ...], processed: bool) -> Iterator[Expected]:
    """What must lie in a store, of all datasets, by key. `recordings`: raw files of recordings, of other kinds, or both."""
    rows = f"{_RAW}{_PROCESSED if processed else ''}"
    statement = (
        'SELECT key COLLATE "C" AS key, max(size) AS size, max(sha256) AS sha256, min(session) AS session, '  # noqa: S608 - constants
        f"min(what) AS what, min(standing) AS standing FROM ({rows}) e GROUP BY 1 ORDER BY 1"
    )
    for row in _streamed(connection, statement, {"recordings": list(recordings)}):
        yield Expected(row.key, row.size, row.sha256, row.session, row.what, Standing(row.standing))


def listed_files(connection: Connection) -> Iterator[tuple[Any, ...]]:
    """Dataset, session, digest of its files, and path, size and SHA-256 of each file, by session and path.

    A session without any row of a file comes once, with nothing.
    """
    statement = (
        "SELECT s.dataset, s.session, s.files_digest, f.path, f.size, f.sha256 FROM assay.sessions s "
        'LEFT JOIN assay.raw_files f USING (dataset, session) ORDER BY s.dataset, s.session, f.path COLLATE "C"'
    )
    for row in _streamed(connection, statement, {}):
        yield tuple(row)


def is_rejected(connection: Connection, folder: str) -> bool:
    """Whether the manifest of this folder was rejected: its bytes stay, and no session has them."""
    query = text("SELECT EXISTS (SELECT FROM assay.rejections WHERE source_file = :key)")
    return bool(connection.scalar(query, {"key": f"{folder}manifest.json"}))


def is_being_processed(connection: Connection, session: str, processor: str, version: str, below: str) -> bool:
    """Whether a raw file that `below` begins with is not done by that version of the processor: what lies there is not entered
    yet, or is left from a run that was killed and will be made anew."""
    found = connection.scalar(
        text(
            "SELECT EXISTS (SELECT FROM assay.sessions s JOIN assay.raw_files f USING (dataset, session) "
            "WHERE s.session = :session AND s.kind = 'recording' AND starts_with(:below, f.path || '/') "
            "AND NOT EXISTS (SELECT FROM assay.processing p WHERE p.dataset = s.dataset AND p.session = s.session "
            "AND p.path = f.path AND p.processor = :processor AND p.version = :version AND p.input_sha256 = f.sha256))"
        ),
        {"session": session, "processor": processor, "version": version, "below": below},
    )
    return bool(found)


def not_entered(connection: Connection, hours: float) -> Iterator[Any]:
    """Recordings that are complete for so many hours and that no ledger has: session, lab, prefix, completed_at."""
    return _streamed(
        connection,
        "SELECT u.session, u.lab, u.prefix, u.completed_at FROM assay.uploads u WHERE u.state = 'complete' "
        "AND u.completed_at < now() - make_interval(secs => 3600 * :hours) "
        "AND NOT EXISTS (SELECT FROM assay.sessions s WHERE s.dataset = u.dataset AND s.session = u.session) "
        "AND NOT EXISTS (SELECT FROM assay.rejections r WHERE r.source_file = u.prefix || 'manifest.json') ORDER BY u.session",
        {"hours": hours},
    )


def not_processed(connection: Connection, hours: float) -> Iterator[Any]:
    """Data files of recordings accepted for so many hours that no processor was given as they are: session, path, changed_at."""
    return _streamed(
        connection,
        "SELECT s.session, f.path, s.changed_at FROM assay.sessions s JOIN assay.raw_files f USING (dataset, session) "
        "WHERE s.kind = 'recording' AND s.verdict IN ('accepted', 'accepted with warnings') "
        "AND s.changed_at < now() - make_interval(secs => 3600 * :hours) "
        "AND NOT coalesce(s.profile -> 'metadata_files', '[]'::jsonb) @> to_jsonb(f.path) "
        "AND NOT EXISTS (SELECT FROM assay.processing p WHERE p.dataset = s.dataset AND p.session = s.session "
        "AND p.path = f.path AND p.input_sha256 = f.sha256) ORDER BY s.session, f.path",
        {"hours": hours},
    )


def done_without_files(connection: Connection) -> Iterator[Any]:
    """What a processor is said to have done, and no row tells which files it made: session, path, processor, version."""
    return _streamed(
        connection,
        "SELECT p.session, p.path, p.processor, p.version FROM assay.processing p WHERE p.state = 'done' AND NOT EXISTS ("
        "SELECT FROM assay.processed_files o WHERE o.dataset = p.dataset AND o.session = p.session AND o.path = p.path "
        "AND o.processor = p.processor AND o.version = p.version) ORDER BY p.session, p.path",
        {},
    )


def processed_by(connection: Connection) -> list[tuple[str, str, int]]:
    """How many files are done, by the newest processing of each: processor, version, files."""
    rows = connection.execute(
        text(
            "SELECT processor, version, count(*) FROM (SELECT DISTINCT ON (dataset, session, path) processor, version "
            "FROM assay.processing WHERE state = 'done' ORDER BY dataset, session, path, processed_at DESC) newest "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )
    )
    return [(processor, version, int(count)) for processor, version, count in rows]


def _streamed(connection: Connection, statement: str, values: dict[str, Any]) -> Iterator[Any]:
    streaming = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    yield from streaming.execute(text(statement), values)
