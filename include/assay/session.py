"""Session, manifest and raw file: the words that every other room uses.

Standard library only: the agent on the measured machine, the shipper on the lab machine and the pipeline read and write
manifests with this one module.

A session is one folder of raw files and one `manifest.json`, which is written last: its arrival means complete. The session id is
the UTC start time and a digest of the raw files' paths and hashes, so the same bytes are the same session everywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from assay.errors import ManifestError

MANIFEST_NAME = "manifest.json"
MANIFEST_VERSION = 1
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_FILES = 10_000
MAX_PATH_CHARS = 512
MAX_TEXT_CHARS = 2_000

_SESSION_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DATASET = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HALF_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class SessionKind(StrEnum):
    """What was recorded in a session."""

    INSTANCE_BENCHMARK = "instance_benchmark"
    RECORDING = "recording"


@dataclass(frozen=True, order=True)
class RawFile:
    """Bytes as the tool printed them: where they lie in the session's folder, their size in bytes and their SHA-256 (hex)."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """Who made the session and under which licence its data may be published."""

    name: str
    version: str
    licence: str
    attribution: str
    url: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a session is, and every raw file with its size and hash."""

    kind: SessionKind
    subject: str
    started_at: datetime
    ended_at: datetime
    source: Source
    files: tuple[RawFile, ...]
    dataset: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def session(self) -> str:
        """The session id: UTC start time and a digest of the raw files."""
        return session_id(self.started_at, self.files)

    @cached_property
    def files_digest(self) -> str:
        """SHA-256 over path, size and hash of every raw file: what makes two sessions the same session."""
        return files_digest(self.files)

    def to_bytes(self) -> bytes:
        """The manifest as canonical JSON: the same session gives the same bytes."""
        document = {
            "manifest_version": MANIFEST_VERSION,
            "session": self.session,
            "kind": self.kind.value,
            "dataset": self.dataset,
            "subject": self.subject,
            "started_at": format_time(self.started_at),
            "ended_at": format_time(self.ended_at),
            "source": {
                "name": self.source.name,
                "version": self.source.version,
                "licence": self.source.licence,
                "attribution": self.source.attribution,
                "url": self.source.url,
            },
            "labels": dict(sorted(self.labels.items())),
            "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in sorted(self.files)],
        }
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def parse(cls, raw: bytes, where: str = MANIFEST_NAME) -> Manifest:
        """Read a manifest that came from outside.

        Raises ManifestError, with `where` and the field in the message, if it is too large, not JSON, lacks a field, holds a
        value out of bounds, names a path that leaves the folder, or states a session id that is not the one its files give.
        """
        return _parse(raw, where)


def session_id(started_at: datetime, files: Iterable[RawFile]) -> str:
    """UTC start time and the first 12 hex digits of the files' digest, as in `20241120T093011Z-3fa9c24be01d`."""
    return f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{files_digest(files)[:12]}"


def raw_prefix(kind: SessionKind, day: date, session: str) -> str:
    """Where a session lies in raw storage, with a trailing slash. `day`: UTC start; for recordings the day received."""
    return f"raw/{kind.value}/{day:%Y/%m/%d}/{session}/"


def format_time(moment: datetime) -> str:
    """UTC to the second, as published: `2024-11-20T09:30:11Z`."""
    return moment.astimezone(UTC).strftime(_TIME)


def parse_time(text: str) -> datetime:
    """The reverse of `format_time`. Raises ValueError on any other form."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def is_session_id(text: str) -> bool:
    """Whether the text has the form of a session id."""
    return _SESSION_ID.fullmatch(text) is not None


def is_dataset_name(text: str) -> bool:
    """Whether the text may name a dataset: lower case letters, digits and dashes, 40 at most."""
    return _DATASET.fullmatch(text) is not None


def is_safe_path(path: str) -> bool:
    """Whether a path stays inside its folder on every system: relative, POSIX, no `..`, no control characters, real text."""
    if not path or len(path) > MAX_PATH_CHARS or path.startswith("/") or "\\" in path or ":" in path:
        return False
    if any(ord(char) < 32 or ord(char) == 127 or "\ud800" <= char <= "\udfff" for char in path):
        return False
    return all(part not in ("", ".", "..") for part in path.split("/"))


def hash_file(path: Path) -> str:
    """SHA-256 of a file as hex, read in chunks: memory does not grow with its size."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_folder(folder: Path) -> tuple[RawFile, ...]:
    """Every regular file below a folder except its manifest, by path. Links are not followed."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file() or relative == MANIFEST_NAME:
            continue
        found.append(RawFile(relative, path.stat().st_size, hash_file(path)))
    return tuple(found)


def files_digest(files: Iterable[RawFile]) -> str:
    """SHA-256 over path, size and hash of raw files, in whichever order they are given."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.sha256} {file.size} {file.path}\n".encode())
    return digest.hexdigest()


def _parse(raw: bytes, where: str) -> Manifest:
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ManifestError(f"{where}: {len(raw)} bytes; expected at most {MAX_MANIFEST_BYTES}")
    try:
        document = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ManifestError(f"{where}: not JSON ({error}); expected the manifest that the collector writes last") from None
    if not isinstance(document, dict):
        raise ManifestError(f"{where}: found {type(document).__name__}; expected a JSON object")
    if _HALF_ESCAPE.search(raw) and _has_half_characters(document):
        raise ManifestError(f"{where}: holds half of a surrogate pair (\\ud800 to \\udfff); expected text that UTF-8 can write")
    version = document.get("manifest_version")
    if version != MANIFEST_VERSION:
        raise ManifestError(f"{where}: manifest_version: found {version!r}; expected {MANIFEST_VERSION}")
    kind = _text(document, "kind", where)
    if kind not in set(SessionKind):
        raise ManifestError(f"{where}: kind: found {kind!r}; expected one of {', '.join(SessionKind)}")
    subject = _text(document, "subject", where)
    if not _SUBJECT.fullmatch(subject):
        raise ManifestError(f"{where}: subject: found {subject!r}; expected letters, digits, '.', '_' and '-', 64 at most")
    dataset = _text(document, "dataset", where)
    if not is_dataset_name(dataset):
        raise ManifestError(f"{where}: dataset: found {dataset!r}; expected lower case letters, digits and '-', 40 at most")
    started_at, ended_at = (_moment(document, name, where) for name in ("started_at", "ended_at"))
    if ended_at < started_at:
        raise ManifestError(f"{where}: ended_at: {format_time(ended_at)} lies before started_at {format_time(started_at)}")
    manifest = Manifest(
        kind=SessionKind(kind),
        dataset=dataset,
        subject=subject,
        started_at=started_at,
        ended_at=ended_at,
        source=_source(document, where),
        files=_files(document, where),
        labels=_labels(document, where),
    )
    stated = _text(document, "session", where)
    if stated != manifest.session:
        raise ManifestError(
            f"{where}: session: found {stated!r}; its start time and files give {manifest.session!r}: "
            "the manifest was changed after it was written"
        )
    return manifest


def _has_half_characters(document: Mapping[str, Any]) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _text(document: Mapping[str, Any], name: str, where: str, *, empty: bool = False) -> str:
    value = document.get(name)
    if not isinstance(value, str) or (not value and not empty) or len(value) > MAX_TEXT_CHARS:
        raise ManifestError(f"{where}: {name}: found {_shown(value)}; expected text of 1 to {MAX_TEXT_CHARS} characters")
    return value


def _moment(document: Mapping[str, Any], name: str, where: str) -> datetime:
    text = _text(document, name, where)
    try:
        return parse_time(text)
    except ValueError:
        raise ManifestError(f"{where}: {name}: found {text!r}; expected UTC as in 2024-11-20T09:30:11Z") from None


def _source(document: Mapping[str, Any], where: str) -> Source:
    source = document.get("source")
    if not isinstance(source, dict):
        raise ManifestError(f"{where}: source: found {_shown(source)}; expected an object")
    name, version, licence, attribution = (
        _text(source, key, f"{where}: source") for key in ("name", "version", "licence", "attribution")
    )
    return Source(name, version, licence, attribution, _text(source, "url", f"{where}: source", empty=True))


def _labels(document: Mapping[str, Any], where: str) -> dict[str, str]:
    labels = document.get("labels")
    if not isinstance(labels, dict) or len(labels) > 1_000:
        raise ManifestError(f"{where}: labels: found {_shown(labels)}; expected an object of at most 1000 texts")
    return {key: _text(labels, key, f"{where}: labels", empty=True) for key in labels}


def _files(document: Mapping[str, Any], where: str) -> tuple[RawFile, ...]:
    entries = document.get("files")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_FILES:
        raise ManifestError(f"{where}: files: found {_shown(entries)}; expected a list of 1 to {MAX_FILES} files")
    files = []
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        at = f"{where}: files[{number}]"
        if not isinstance(entry, dict):
            raise ManifestError(f"{at}: found {_shown(entry)}; expected an object")
        path, size, sha256 = _text(entry, "path", at), entry.get("size"), _text(entry, "sha256", at)
        if not is_safe_path(path) or path == MANIFEST_NAME:
            raise ManifestError(f"{at}: path: found {path!r}; expected a path that stays inside the session's folder")
        if path in seen:
            raise ManifestError(f"{at}: path: {path!r} is listed twice")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ManifestError(f"{at}: size: found {_shown(size)}; expected bytes, 0 or more")
        if not _SHA256.fullmatch(sha256):
            raise ManifestError(f"{at}: sha256: found {_shown(sha256)}; expected 64 hex digits")
        seen.add(path)
        files.append(RawFile(path, size, sha256))
    for path in seen:
        for parent in PurePosixPath(path).parents:
            if parent.as_posix() in seen:
                raise ManifestError(f"{where}: files: {parent.as_posix()!r} is both a file and a folder")
    return tuple(sorted(files))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
