"""Recording sessions of a lab that never was: folders on a disk, and sessions as they lie in raw storage after shipping."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from assay.recording import Lab, LabSchema, load_schema, recording_manifest, validate
from assay.recording.manifest import written
from assay.session import Manifest, hash_folder
from assay.settings import project_root
from assay.storage.session import store_session
from assay.workspace import Workspace

SCHEMAS = project_root() / "schemas" / "recording"
LAB = Lab("example-lab", "Europe/Berlin")
FOLDER = "20240229_161221"
START = datetime(2024, 2, 29, 15, 12, 21, tzinfo=UTC)
RECEIVED = date(2024, 3, 1)
METADATA = "fatigue: 3\nhardware_model: X1\nsampling_rate: 250 Hz\n"


def schema(lab: str = LAB.name) -> LabSchema | None:
    return load_schema(SCHEMAS, lab)


def write_folder(
    parent: Path,
    name: str = FOLDER,
    *,
    metadata: str | bytes | None = METADATA,
    files: Mapping[str, bytes | Path] | None = None,
    at: datetime = START + timedelta(minutes=30),
) -> Path:
    """A session's folder; `files`: content, or a file to copy, by path. Every file was written at `at`."""
    folder = parent / name
    contents: dict[str, bytes] = {
        path: content.read_bytes() if isinstance(content, Path) else content
        for path, content in ({"data.bin": name.encode()} if files is None else files).items()
    }
    if metadata is not None:
        contents["metadata.txt"] = metadata.encode() if isinstance(metadata, str) else metadata
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        os.utime(folder / path, (at.timestamp(), at.timestamp()))
    return folder


def manifest_of(folder: Path, lab: Lab = LAB, now: datetime = START + timedelta(hours=2)) -> Manifest:
    """The manifest that ships with a folder. Fails when the folder is refused."""
    validated = validate(folder, lab, schema(lab.name), now=now)
    assert validated.judged is not None, validated.findings
    return recording_manifest(
        folder.name, lab, validated.judged, hash_folder(folder), written(validated.files, schema(lab.name)), "1"
    )


def ship(workspace: Workspace, folder: Path, lab: Lab = LAB, day: date = RECEIVED) -> Manifest:
    """Bring a folder into raw storage, as after an upload; the ledger does not know it yet."""
    manifest = manifest_of(folder, lab)
    store_session(workspace.recordings, folder, manifest, day=day)
    return manifest
