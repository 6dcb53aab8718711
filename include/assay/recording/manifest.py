"""A validated folder to the manifest that ships with it, and back: what the server knows of a session that has arrived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from assay.errors import ManifestError
from assay.recording.date_string import time_zone
from assay.recording.folder import RecordingFile
from assay.recording.judge import Judged, Recording, metadata_files
from assay.recording.schema import LabSchema
from assay.session import Manifest, RawFile, SessionKind, Source, format_time, parse_time

SOURCE = "lab-recording"
"""Name of the source in the manifests of recordings."""


@dataclass(frozen=True)
class Lab:
    """A lab as its machines are configured: name, IANA time zone, the dataset that its sessions go to and their licence."""

    name: str
    time_zone: str = "UTC"
    dataset: str = "recordings"
    licence: str = "private"
    attribution: str = "recorded in the lab"


def written(files: Iterable[RecordingFile], schema: LabSchema | None) -> tuple[datetime, datetime] | None:
    """When the first and the last data file were written; the metadata file may be written at any time. None: not known."""
    files = tuple(files)
    about = metadata_files(files, schema)
    times = [file.written_at for file in files if file.written_at is not None and file.path not in about]
    return (min(times), max(times)) if times else None


def recording_manifest(
    name: str, lab: Lab, judged: Judged, files: Iterable[RawFile], times: tuple[datetime, datetime] | None, version: str
) -> Manifest:
    """The manifest of a session's folder; the same folder gives the same manifest, whenever it is made.

    `name`: of the folder. `files`: with their hashes. `times`: as `written` gives them. `version`: of the shipper.
    """
    labels = {"folder": name, "time_zone": lab.time_zone}
    if times is not None:
        labels |= {"first_written": format_time(times[0]), "last_written": format_time(times[1])}
    return Manifest(
        kind=SessionKind.RECORDING,
        subject=lab.name,
        started_at=judged.started_at,
        ended_at=judged.ended_at,
        source=Source(SOURCE, version, lab.licence, lab.attribution),
        files=tuple(sorted(files)),
        dataset=lab.dataset,
        labels=labels,
    )


def recording_of(manifest: Manifest, metadata: Iterable[tuple[str, bytes]]) -> Recording:
    """What the server knows of a session: as the lab machine judged it, but for the times of single files.

    Raises ManifestError with the label that is missing or none.
    """
    labels, times = manifest.labels, None
    for name in ("folder", "time_zone"):
        if not labels.get(name):
            raise ManifestError(f"manifest.json: labels.{name}: found nothing; expected what the shipper writes")
    try:
        time_zone(labels["time_zone"])
    except ValueError as error:
        raise ManifestError(f"manifest.json: labels.time_zone: {error}") from None
    if "first_written" in labels or "last_written" in labels:
        try:
            times = parse_time(labels.get("first_written", "")), parse_time(labels.get("last_written", ""))
        except ValueError:
            raise ManifestError(
                "manifest.json: labels.first_written, last_written: expected UTC as in 2024-11-20T09:30:11Z"
            ) from None
    files = tuple(RecordingFile(file.path, file.size, None, file.sha256) for file in manifest.files)
    return Recording(labels["folder"], manifest.subject, labels["time_zone"], files, tuple(metadata), times)
