"""Recording sessions on their way: announced, sent file by file, complete; and who did what."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import storable
from assay.database.queries import read_frame
from assay.database.words import UploadState
from assay.session import Manifest

_DETAIL_CHARS = 2_000


@dataclass(frozen=True)
class Upload:
    """An announced session."""

    session: str
    lab: str
    dataset: str
    prefix: str
    files_digest: str
    manifest: str
    state: UploadState


_COLUMNS = "session, lab, dataset, prefix, files_digest, manifest, state"


def announce(connection: Connection, manifest: Manifest, *, lab: str, key: str, prefix: str) -> tuple[Upload, bool]:
    """Enter a session that is about to come, once; gives what is entered, and whether it is new."""
    new = connection.execute(
        text(
            "INSERT INTO assay.uploads (session, lab, dataset, key, prefix, files_digest, manifest, state) "
            "VALUES (:session, :lab, :dataset, :key, :prefix, :digest, :manifest, 'announced') ON CONFLICT DO NOTHING"
        ),
        {
            "session": manifest.session,
            "lab": lab,
            "dataset": manifest.dataset,
            "key": key,
            "prefix": prefix,
            "digest": manifest.files_digest,
            "manifest": manifest.to_bytes().decode(),
        },
    ).rowcount
    found = find_upload(connection, manifest.session)
    if found is None:
        raise RuntimeError(f"upload {manifest.session}: entered and not there")
    return found, bool(new)


def find_upload(connection: Connection, session: str) -> Upload | None:
    """The announced session of that id, of whichever lab."""
    row = connection.execute(
        text(f"SELECT {_COLUMNS} FROM assay.uploads WHERE session = :session"),  # noqa: S608 - a constant
        {"session": session},
    ).one_or_none()
    if row is None:
        return None
    return Upload(row.session, row.lab, row.dataset, row.prefix, row.files_digest, row.manifest, UploadState(row.state))


def complete(connection: Connection, session: str) -> bool:
    """Write down that the manifest lies in raw storage; whether that was not known before."""
    changed = connection.execute(
        text(
            "UPDATE assay.uploads SET state = 'complete', completed_at = now() WHERE session = :session AND state = 'announced'"
        ),
        {"session": session},
    )
    return bool(changed.rowcount)


def complete_and_unknown(connection: Connection) -> list[str]:
    """Prefixes of the sessions that were completed in the last two days and that no ledger knows yet."""
    query = (
        "SELECT prefix FROM assay.uploads WHERE state = 'complete' AND completed_at > now() - interval '2 days' "
        "AND NOT EXISTS (SELECT FROM assay.sessions WHERE sessions.session = uploads.session) ORDER BY completed_at"
    )
    return list(connection.execute(text(query)).scalars())


def open_file(connection: Connection, session: str, path: str, upload: str) -> str:
    """Enter the upload in parts of a file; where another process was faster, its upload is the one that counts."""
    connection.execute(
        text("INSERT INTO assay.upload_files (session, path, upload) VALUES (:session, :path, :upload) ON CONFLICT DO NOTHING"),
        {"session": session, "path": path, "upload": upload},
    )
    found = find_file(connection, session, path)
    return found[0] if found else upload


def find_file(connection: Connection, session: str, path: str) -> tuple[str, str | None] | None:
    """The upload in parts of a file, and its checksum once it is completed."""
    row = connection.execute(
        text("SELECT upload, checksum FROM assay.upload_files WHERE session = :session AND path = :path"),
        {"session": session, "path": path},
    ).one_or_none()
    return None if row is None else (row.upload, row.checksum)


def finish_file(connection: Connection, session: str, path: str, checksum: str) -> None:
    """Write down the checksum of a large file that is whole."""
    connection.execute(
        text("UPDATE assay.upload_files SET checksum = :checksum WHERE session = :session AND path = :path"),
        {"session": session, "path": path, "checksum": checksum},
    )


def forget_file(connection: Connection, session: str, path: str, upload: str) -> None:
    """Forget an upload in parts that the store does not know any more."""
    connection.execute(
        text(
            "DELETE FROM assay.upload_files WHERE session = :session AND path = :path AND upload = :upload AND checksum IS NULL"
        ),
        {"session": session, "path": path, "upload": upload},
    )


def part_checksums(connection: Connection, session: str) -> dict[str, str]:
    """The checksums of the large files of a session that are whole, by path."""
    rows = connection.execute(
        text("SELECT path, checksum FROM assay.upload_files WHERE session = :session AND checksum IS NOT NULL"),
        {"session": session},
    )
    return {row.path: row.checksum for row in rows}


def audit(
    connection: Connection, *, key: str, lab: str, address: str, action: str, session: str = "", outcome: str, detail: str = ""
) -> None:
    """Write down that something was done or refused."""
    values = {"key": key, "lab": lab, "address": address, "action": action, "session": session, "outcome": outcome}
    connection.execute(
        text(
            "INSERT INTO assay.ingest_audit (key, lab, address, action, session, outcome, detail) "
            "VALUES (:key, :lab, :address, :action, :session, :outcome, :detail)"
        ),
        {name: storable(value[:200]) for name, value in values.items()} | {"detail": storable(detail[:_DETAIL_CHARS])},
    )


def read_audit(connection: Connection, *, lab: str | None = None, limit: int = 100) -> pd.DataFrame:
    """The newest entries first: number, at, key, lab, address, action, session, outcome, detail."""
    return read_frame(
        connection,
        "SELECT number, at, key, lab, address, action, session, outcome, detail FROM assay.ingest_audit "
        "WHERE CAST(:lab AS text) IS NULL OR lab = :lab ORDER BY number DESC LIMIT :limit",
        {"lab": lab, "limit": limit},
    )


def on_their_way(connection: Connection, dataset: str, *, limit: int) -> pd.DataFrame:
    """Sessions that labs announced and have not completed, the newest first: session, lab, prefix, announced_at."""
    return read_frame(
        connection,
        "SELECT session, lab, prefix, announced_at FROM assay.uploads WHERE dataset = :dataset AND state = 'announced' "
        "ORDER BY announced_at DESC, session LIMIT :limit",
        {"dataset": dataset, "limit": limit},
    )


def reported_failures(connection: Connection, dataset: str, *, days: int, limit: int) -> pd.DataFrame:
    """What lab machines could not send within the last days, the newest first: at, lab, detail."""
    return read_frame(
        connection,
        "SELECT a.at, a.lab, a.detail FROM assay.ingest_audit a JOIN assay.api_keys k USING (key) "
        "WHERE a.action = 'failure' AND k.dataset = :dataset AND a.at > now() - make_interval(days => :days) "
        "ORDER BY a.number DESC LIMIT :limit",
        {"dataset": dataset, "days": days, "limit": limit},
    )
