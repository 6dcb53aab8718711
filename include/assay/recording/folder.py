"""A session's folder as it lies on the disk: its files, and what makes it unsafe to ship. Nothing in it is opened for writing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assay.recording.rules import Finding, finding
from assay.session import MANIFEST_NAME, MAX_FILES, MAX_PATH_CHARS, is_safe_path

MAX_DEPTH = 32


@dataclass(frozen=True)
class Limits:
    """How much one session may be: files, bytes of one file, bytes of all; and how far a clock may be off, in seconds."""

    files: int = MAX_FILES
    file_bytes: int = 100 * 1024**3
    bytes: int = 500 * 1024**3
    clock_seconds: int = 300


@dataclass(frozen=True, order=True)
class RecordingFile:
    """One file of a session: path below the folder, size in bytes, last written (UTC; None: not known) and its SHA-256."""

    path: str
    size: int
    written_at: datetime | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Walked:
    """The files of a folder by path, and what was found on the way."""

    files: tuple[RecordingFile, ...]
    findings: tuple[Finding, ...]


def walk(folder: Path, limits: Limits) -> Walked:
    """Every file below a folder. Links are never followed; a folder beyond the limits is not walked to its end."""
    files: list[RecordingFile] = []
    findings: list[Finding] = []
    size = 0
    for found in _walk(folder, folder, "", 0):
        if isinstance(found, Finding):
            findings.append(found)
        else:
            files.append(found)
            size += found.size
            if found.size > limits.file_bytes:
                findings.append(_too_large(found.path, f"{found.size} bytes", f"a file of at most {limits.file_bytes} bytes"))
        if len(files) + len(findings) > limits.files:
            findings.append(_too_large("", f"more than {limits.files} files", f"at most {limits.files} files"))
            break
    if size > limits.bytes:
        findings.append(_too_large("", f"{size} bytes", f"at most {limits.bytes} bytes in all files"))
    if not files and not findings:
        findings.append(finding("recording.no-files", "", "", "no file", "at least one file"))
    return Walked(tuple(sorted(files)), tuple(findings))


def _walk(root: Path, folder: Path, below: str, depth: int) -> Iterator[RecordingFile | Finding]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        yield finding("recording.folder-unreadable", below, "", error.strerror or str(error), "a folder that can be listed")
        return
    for entry in entries:
        path = f"{below}{entry.name}"
        if not is_safe_path(path) or path == MANIFEST_NAME or depth >= MAX_DEPTH:
            expected = (
                f"a relative name of at most {MAX_PATH_CHARS} characters and {MAX_DEPTH} folders, in UTF-8, without ':', "
                f"backslash and control characters, other than {MANIFEST_NAME}"
            )
            # A name that is not UTF-8 comes with half characters, which no log can write.
            yield finding("recording.unsafe-name", path.encode("utf-8", "replace").decode(), "", repr(entry.name), expected)
            continue
        try:
            yield from _entry(root, entry, path, depth)
        except OSError as error:
            yield finding("recording.folder-unreadable", path, "", error.strerror or str(error), "a file that can be read")


def _entry(root: Path, entry: os.DirEntry[str], path: str, depth: int) -> Iterator[RecordingFile | Finding]:
    if entry.is_symlink():
        target = Path(entry.path).resolve()
        if not target.is_relative_to(root.resolve()):
            yield finding("recording.link-leaves", path, "", f"a link to {target}", "a file, or a link that stays in the folder")
        else:
            yield finding("recording.link-skipped", path, "", f"a link to {target.relative_to(root.resolve())}", "files only")
    elif entry.is_dir():
        yield from _walk(root, Path(entry.path), f"{path}/", depth + 1)
    elif entry.is_file():
        about = entry.stat(follow_symlinks=False)
        if not os.access(entry.path, os.R_OK):
            yield finding("recording.folder-unreadable", path, "", "permission denied", "a file that can be read")
            return
        yield RecordingFile(path, about.st_size, _moment(about.st_mtime))
    else:
        kind = stat.filemode(entry.stat(follow_symlinks=False).st_mode)
        yield finding("recording.not-a-file", path, "", f"a special file ({kind})", "files and folders only")


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        return None  # a broken file system says so


def _too_large(path: str, found: str, expected: str) -> Finding:
    return finding("recording.too-large", path, "", found, expected, "Split the session, or raise the limit.")
