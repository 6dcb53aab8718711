"""A session's folder on the disk, judged before it ships: the same rules as on the server, and what only the disk can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assay.recording.folder import Limits, RecordingFile, walk
from assay.recording.judge import Judged, Recording, judge, metadata_files
from assay.recording.manifest import Lab, written
from assay.recording.rules import Finding, OnLab, finding
from assay.recording.schema import LabSchema
from assay.recording.text import MAX_METADATA_BYTES


@dataclass(frozen=True)
class Validated:
    """What came of validating a folder. `judged` is None where the folder is refused: then nothing of it may be sent."""

    folder: Path
    files: tuple[RecordingFile, ...]
    findings: tuple[Finding, ...]
    judged: Judged | None

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The findings for which the folder is refused; empty: it ships."""
        return tuple(one for one in self.findings if one.severity is OnLab.REFUSED)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings with which the folder ships all the same."""
        return tuple(one for one in self.findings if one.severity is OnLab.WARNING)


def validate(
    folder: Path,
    lab: Lab,
    schema: LabSchema | None,
    *,
    limits: Limits | None = None,
    now: datetime | None = None,
    hashes: Mapping[str, str] | None = None,
) -> Validated:
    """Validate a session's folder; reads names, sizes, times and the metadata file, and of the data files nothing.

    `hashes`: SHA-256 of files by path where they are known already, so that copies are found; without them, that rule is silent.
    Raises ValueError when the lab's time zone is none.
    """
    limits = limits or Limits()
    now = now or datetime.now(UTC)
    if folder.is_symlink() or not folder.is_dir():
        found = finding("recording.folder-unreadable", "", "folder", str(folder), "a folder, no link and no file")
        return Validated(folder, (), (found,), None)
    walked = walk(folder, limits)
    files = tuple(
        RecordingFile(file.path, file.size, file.written_at, (hashes or {}).get(file.path, file.sha256)) for file in walked.files
    )
    findings = list(walked.findings)
    metadata = []
    for path in metadata_files(files, schema):
        try:
            with (folder / path).open("rb") as stream:
                metadata.append((path, stream.read(MAX_METADATA_BYTES + 1)))
        except OSError as error:
            findings.append(
                finding("recording.folder-unreadable", path, "", error.strerror or str(error), "a file that can be read")
            )
    if any(one.severity is OnLab.REFUSED for one in findings):
        return Validated(folder, files, tuple(sorted(findings)), None)
    recording = Recording(folder.name, lab.name, lab.time_zone, files, tuple(metadata), written(files, schema))
    judged = judge(recording, schema, now, limits.clock_seconds)
    return Validated(folder, files, tuple(sorted({*findings, *judged.findings})), judged)
