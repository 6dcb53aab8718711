"""How sessions enter the ledger, and what is told of bytes that cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import load_temporary, storable
from assay.errors import DatasetConflict
from assay.session import Manifest


@dataclass(frozen=True)
class Arrival:
    """A session that lies whole in raw storage: its manifest, the SHA-256 of the manifest as stored, and where it lies."""

    manifest: Manifest
    manifest_sha256: str
    prefix: str
    source_file: str = ""
    run: str = ""


@dataclass(frozen=True)
class Registered:
    """What became of arrivals: new sessions, sessions that were known, and ids that are taken by other files."""

    new: tuple[str, ...]
    already_there: tuple[str, ...]
    conflicts: tuple[str, ...]


_SESSION_TYPES = {
    "session": "text",
    "kind": "text",
    "subject": "text",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "source": "text",
    "source_version": "text",
    "licence": "text",
    "attribution": "text",
    "url": "text",
    "source_file": "text",
    "prefix": "text",
    "manifest_sha256": "text",
    "files_digest": "text",
    "labels": "jsonb",
    "run": "text",
}
_COLUMNS = ", ".join(_SESSION_TYPES)


def open_dataset(connection: Connection, dataset: str, licence: str | None) -> None:
    """Make the dataset if it is not there. A licence, once fixed, is never changed here."""
    connection.execute(
        text("INSERT INTO assay.datasets (dataset, licence) VALUES (:dataset, :licence) ON CONFLICT DO NOTHING"),
        {"dataset": dataset, "licence": licence},
    )


def register(connection: Connection, dataset: str, arrivals: Iterable[Arrival]) -> Registered:
    """Enter sessions; those that are there stay as they are.

    Raises DatasetConflict, and enters nothing, when a session is meant for another dataset or has another licence than the
    dataset. A session id that is taken by other files becomes a rejection that says so.
    """
    # The id and the digest are computed from the files at every access: here once for each.
    unique: dict[str, Arrival] = {}
    digests: dict[str, str] = {}
    clashing: list[Arrival] = []
    for arrival in arrivals:
        session, digest = arrival.manifest.session, arrival.manifest.files_digest
        if session not in unique:
            unique[session], digests[session] = arrival, digest
        elif digests[session] != digest:
            clashing.append(arrival)
    if not unique:
        return Registered((), (), ())
    _check_dataset(connection, dataset, [arrival.manifest for arrival in (*unique.values(), *clashing)])
    load_temporary(connection, "given", _session_frame(unique, digests), list(_SESSION_TYPES.values()))
    load_temporary(connection, "given_files", _file_frame(unique), ["text", "text", "bigint", "text"])
    taken = connection.execute(
        text(
            "SELECT g.session FROM given g JOIN assay.sessions s ON s.dataset = :dataset AND s.session = g.session "
            "WHERE s.files_digest <> g.files_digest"
        ),
        {"dataset": dataset},
    ).scalars()
    clashing.extend(unique[session] for session in taken)
    new = tuple(
        connection.execute(
            text(
                f"INSERT INTO assay.sessions (dataset, {_COLUMNS}) SELECT :dataset, {_COLUMNS} FROM given "  # noqa: S608 - constants
                "ORDER BY session ON CONFLICT DO NOTHING RETURNING session"
            ),
            {"dataset": dataset},
        ).scalars()
    )
    connection.execute(
        text(
            "INSERT INTO assay.raw_files (dataset, session, path, size, sha256) "
            "SELECT :dataset, session, path, size, sha256 FROM given_files WHERE session = ANY(:new)"
        ),
        {"dataset": dataset, "new": list(new)},
    )
    # What was rejected by an older reader and is a session now is counted once, as a session.
    connection.execute(
        text(
            "DELETE FROM assay.rejections r USING given g JOIN given_files f USING (session) "
            "WHERE r.dataset = :dataset AND g.source_file <> '' AND r.source_file = g.source_file AND r.sha256 = f.sha256"
        ),
        {"dataset": dataset},
    )
    for arrival in clashing:
        reject(
            connection,
            dataset,
            arrival.source_file or arrival.prefix,
            f"session {arrival.manifest.session} is there with other files; these have digest {arrival.manifest.files_digest}",
            arrival.manifest_sha256,
            arrival.run,
        )
    conflicts = {arrival.manifest.session for arrival in clashing}
    known = set(unique) - set(new) - conflicts
    return Registered(tuple(sorted(new)), tuple(sorted(known)), tuple(sorted(conflicts)))


def reject(connection: Connection, dataset: str, source_file: str, reason: str, sha256: str, run: str) -> None:
    """Note bytes that cannot form a session; the same bytes from the same file count once, and not if they are a session."""
    connection.execute(
        text(
            "INSERT INTO assay.rejections (dataset, digest, source_file, sha256, reason, run) "
            "SELECT :dataset, :digest, :source_file, :sha256, :reason, :run WHERE NOT EXISTS ("
            "  SELECT FROM assay.sessions s JOIN assay.raw_files f USING (dataset, session)"
            "  WHERE s.dataset = :dataset AND f.sha256 = :sha256 AND s.source_file = :source_file) "
            "ON CONFLICT (dataset, digest) DO UPDATE SET reason = excluded.reason"
        ),
        {
            "dataset": dataset,
            "digest": hashlib.sha256(f"{source_file}\n{sha256}".encode("utf-8", "replace")).hexdigest(),
            "source_file": storable(source_file),
            "sha256": sha256,
            "reason": storable(reason),
            "run": run,
        },
    )


def _check_dataset(connection: Connection, dataset: str, manifests: Iterable[Manifest]) -> None:
    open_dataset(connection, dataset, None)
    licences: dict[str, str] = {}
    for manifest in manifests:
        if manifest.dataset != dataset:
            raise DatasetConflict(f"session {manifest.session} is of dataset {manifest.dataset!r}; expected {dataset!r}")
        licences.setdefault(manifest.source.licence, manifest.session)
    first = next(iter(licences))
    connection.execute(
        text("UPDATE assay.datasets SET licence = :licence WHERE dataset = :dataset AND licence IS NULL"),
        {"licence": first, "dataset": dataset},
    )
    fixed = connection.scalar(text("SELECT licence FROM assay.datasets WHERE dataset = :dataset"), {"dataset": dataset})
    for licence, session in licences.items():
        if licence != fixed:
            raise DatasetConflict(
                f"session {session} is under {licence!r}, dataset {dataset!r} is under {fixed!r}: licences are not mixed. "
                "Give the data a dataset of its own with --dataset NAME. Nothing was registered."
            )


def _session_frame(arrivals: dict[str, Arrival], digests: dict[str, str]) -> pd.DataFrame:
    rows = [
        (
            session,
            a.manifest.kind.value,
            a.manifest.subject,
            a.manifest.started_at,
            a.manifest.ended_at,
            a.manifest.source.name,
            a.manifest.source.version,
            a.manifest.source.licence,
            a.manifest.source.attribution,
            a.manifest.source.url,
            a.source_file,
            a.prefix,
            a.manifest_sha256,
            digests[session],
            dict(a.manifest.labels),
            a.run,
        )
        for session, a in arrivals.items()
    ]
    return pd.DataFrame(rows, columns=list(_SESSION_TYPES), dtype=object)  # a text may hold what Arrow refuses


def _file_frame(arrivals: dict[str, Arrival]) -> pd.DataFrame:
    rows = [(session, f.path, f.size, f.sha256) for session, a in arrivals.items() for f in a.manifest.files]
    return pd.DataFrame(rows, columns=["session", "path", "size", "sha256"], dtype=object)
