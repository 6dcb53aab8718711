"""The stage `read` for recordings: the metadata text becomes typed variables, and is judged as it was on the lab machine.

Of a session only its manifest and its metadata file are read here, whatever the size of the data. It has no measurements: its
batch in the processed layer is empty, so that it walks the rest of the path as any other session does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from assay.errors import ManifestError, TooLarge
from assay.measurement import execution_frame, measurement_frame
from assay.read.batches import batch_key, write_batch
from assay.read.claims import problem
from assay.read.content import Problem
from assay.read.rules import UNREADABLE, findings_frame
from assay.recording import Judged, LabSchema, Recording, judge, load_schema, recording_of
from assay.recording.judge import metadata_files
from assay.recording.schema import is_lab_name
from assay.recording.text import MAX_METADATA_BYTES
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, SessionKind
from assay.storage import Storage
from assay.workspace import Workspace

READER_VERSION = "1"
"""Raise it when the same metadata give other variables."""

SESSIONS_AT_ONCE = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Described:
    """What reading a recording gave: the judgement of its folder and metadata, or the problem for which there is none."""

    session: str
    lab: str
    folder: str
    judged: Judged | None
    problem: Problem | None = None
    metadata_files: tuple[str, ...] = ()


def read_recordings(workspace: Workspace, *, again: bool = False) -> list[str]:
    """Read the metadata of every verified recording of the dataset, and give the sessions' ids.

    `again`: also those that were read before, as after a schema was corrected; they are judged anew. Killed at any point and run
    again it gives the same state. Raises SchemaMismatch when the schema of a lab cannot be used.
    """
    sessions = workspace.ledger.sessions(kind=SessionKind.RECORDING)
    wanted = sessions["state"] == "verified"
    if again:
        wanted |= sessions["batch"].notna()
    sessions = sessions[wanted.to_numpy(dtype=bool)]
    schemas: dict[str, LabSchema | None] = {}
    done: list[str] = []
    for day, group in sessions.groupby(sessions["started_at"].dt.strftime("%Y-%m-%d"), sort=True):
        for start in range(0, len(group), SESSIONS_AT_ONCE):
            part = group.iloc[start : start + SESSIONS_AT_ONCE]
            done.extend(_read_part(workspace, str(day), part, schemas))
    return done


def _read_part(workspace: Workspace, day: str, sessions: pd.DataFrame, schemas: dict[str, LabSchema | None]) -> list[str]:
    began = time.monotonic()
    now = datetime.now(UTC)
    described = [
        describe(workspace, session, prefix, schemas, now)
        for session, prefix in zip(sessions["session"], sessions["prefix"], strict=True)
    ]
    names = [one.session for one in described]
    batch = batch_key(SessionKind.RECORDING, day, names, f"recording-{READER_VERSION}")
    with workspace.ledger.keeping_batches():
        write_batch(workspace.storage, batch, measurement_frame([]), execution_frame([]))
        workspace.ledger.replace_variables(names, list(_rows(described)))
        workspace.ledger.record_findings(
            "read", names, findings_frame((one.session, one.problem) for one in described if one.problem)
        )
        workspace.ledger.mark_read(dict.fromkeys(names, batch), {one.session: _profile(one) for one in described})
    _log(described, time.monotonic() - began)
    return names


def describe(workspace: Workspace, session: str, prefix: str, schemas: dict[str, LabSchema | None], now: datetime) -> Described:
    """Judge a recording as it lies in raw storage by its lab's newest schema. `schemas` keeps those that were loaded."""
    storage = workspace.recordings
    where = storage.uri(prefix + MANIFEST_NAME)
    try:
        manifest = Manifest.parse(storage.read(prefix + MANIFEST_NAME, limit=MAX_MANIFEST_BYTES), where)
        recording = recording_of(manifest, ())
    except (ManifestError, TooLarge, FileNotFoundError) as error:
        found = problem(UNREADABLE, MANIFEST_NAME, str(error), "the manifest that the shipper writes last")
        return Described(session, "", "", None, found)
    lab = manifest.subject
    if lab not in schemas:
        schemas[lab] = _schema(workspace.settings.recording_schemas, lab)
    schema = schemas[lab]
    metadata = [(path, _metadata(storage, prefix + path)) for path in metadata_files(recording.files, schema)]
    recording = Recording(recording.name, lab, recording.time_zone, recording.files, tuple(metadata), recording.written)
    judged = judge(recording, schema, now, workspace.settings.clock_tolerance_seconds)
    return Described(session, lab, recording.name, judged, None, tuple(path for path, _ in metadata))


def _schema(folder: Path, lab: str) -> LabSchema | None:
    # A subject may be written in ways that no lab's name is; such a lab has no schema, which is a finding of its own.
    return load_schema(folder, lab) if is_lab_name(lab) else None


def _metadata(storage: Storage, key: str) -> bytes:
    try:
        return storage.read(key, limit=MAX_METADATA_BYTES)
    except TooLarge:
        return bytes(MAX_METADATA_BYTES + 1)  # longer than it may be, which is all that is said of it


def _rows(described: Sequence[Described]) -> Iterator[tuple[Any, ...]]:
    for one in described:
        for v in one.judged.variables if one.judged else ():
            yield (
                one.session,
                v.name,
                one.lab,
                one.judged.schema if one.judged else "",
                v.numeric,
                v.number,
                v.text,
                v.unit,
                v.known,
            )


def _profile(one: Described) -> Mapping[str, Any]:
    if one.judged is None:
        return {}
    return {
        "lab": one.lab,
        "folder": one.folder,
        "schema": one.judged.schema,
        "metadata_format": one.judged.format,
        "metadata_files": list(one.metadata_files),
        "metadata_findings": [[f.rule, f.file, f.field, f.value, f.expected, f.message] for f in one.judged.findings],
    }


def _log(described: Sequence[Described], seconds: float) -> None:
    for one in described[:20]:
        if one.judged is None:
            log.info("session %s: %s", one.session, one.problem.message if one.problem else "")
        else:
            found = "; ".join(f.message for f in one.judged.findings) or "nothing to object"
            log.info("session %s: folder %s, %d variables: %s", one.session, one.folder, len(one.judged.variables), found)
    log.info("read the metadata of %d recordings in %.1f s", len(described), seconds)
