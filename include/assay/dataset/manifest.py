"""manifest.json: every file of the snapshot and every session that went in, down to the hashes of its raw files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from assay.dataset.encode import sha256, to_json
from assay.dataset.models.base import SCHEMA_VERSION
from assay.session import format_time

MANIFEST = "manifest.json"


def session_list(sessions: pd.DataFrame, raw_files: pd.DataFrame) -> list[dict[str, Any]]:
    """The sessions that went in, by id, each with the hash of its manifest and of every raw file."""
    files: dict[str, list[dict[str, Any]]] = {}
    ordered = raw_files.sort_values(["session", "path"], kind="stable")
    for session, path, size, digest in zip(*(ordered[name] for name in ("session", "path", "size", "sha256")), strict=True):
        files.setdefault(str(session), []).append({"path": str(path), "bytes": int(size), "sha256": str(digest)})
    rows = sessions.sort_values("session", kind="stable")
    return [
        {
            "session": str(session),
            "kind": str(kind),
            "subject": str(subject),
            "ended_at": format_time(ended.to_pydatetime()),
            "manifest_sha256": str(digest),
            "files": files.get(str(session), []),
        }
        for session, kind, subject, ended, digest in zip(
            *(rows[name] for name in ("session", "kind", "subject", "ended_at", "manifest_sha256")), strict=True
        )
    ]


def content_digest(documents: Mapping[str, bytes], metadata: Mapping[str, Any], sessions: list[dict[str, Any]]) -> str:
    """SHA-256 over the data: two snapshots with the same digest say the same, whatever came before them.

    `documents`: those that hold data, without changes, metadata and manifest. `metadata`: without its list of documents.
    The documents over time follow from the same sessions and measurements, so they need not be here.
    """
    lines = [f"{sha256(documents[name])} {name}\n" for name in sorted(documents)]
    lines.append(f"{sha256(to_json(metadata))} metadata\n")
    lines.append(f"{sha256(to_json(sessions))} sessions\n")
    return sha256("".join(lines).encode())


def file_entry(path: str, data: bytes) -> dict[str, Any]:
    """A file as the manifest lists it."""
    return {"path": path, "bytes": len(data), "sha256": sha256(data)}


def manifest_document(
    documents: Mapping[str, bytes], sessions: list[dict[str, Any]], history: list[dict[str, Any]], digest: str
) -> dict[str, Any]:
    """The manifest of these files. `history`: those outside the snapshot's folder, listed already."""
    return {
        "schema_version": SCHEMA_VERSION,
        "content_digest": digest,
        "files": [file_entry(name, documents[name]) for name in sorted(documents)],
        "history": history,
        "sessions": sessions,
    }
