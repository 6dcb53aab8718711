"""AWS Instance Benchmarks: one JSON file is one run of one suite on one instance.

A file forms a session if its `metadata` names one instance type and a start with its UTC offset. What was measured, and
whether it can be believed, is for the reader and the rules. The session holds the file as `result.json`, whatever it was
called: the same bytes are the same session.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from assay.collect.importers.checkout import commit_of
from assay.collect.importers.found import FoundSession, Refused, shown_path, walk
from assay.collect.importers.times import LONGEST, believable_end, believable_start, instant
from assay.errors import ManifestError
from assay.reference.names import is_instance_type
from assay.session import Manifest, RawFile, SessionKind, Source, hash_file

SOURCE = "aws-instance-benchmarks"
REPOSITORY = "scttfrdmn/aws-instance-benchmarks"
RESULT_FILE = "result.json"
MAX_BYTES = 4 * 1024 * 1024
"""A result has two kilobytes; what is larger than this is none."""


_T = TypeVar("_T")


class _Metadata(msgspec.Struct):
    timestamp: Any = None
    instance_type: Any = None
    instance_type_b: Any = msgspec.field(default=None, name="instanceType")
    duration_seconds: msgspec.Raw = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct):
    # The payload stays as bytes: a number in it that no machine can hold does not keep the file from being a session.
    metadata: _Metadata | None = None
    performance: msgspec.Raw = msgspec.Raw(b"null")
    performance_data: msgspec.Raw = msgspec.Raw(b"null")


class _Clock(msgspec.Struct):
    timestamp: str | None = None


class _Timed(msgspec.Struct):
    metadata: _Clock | None = None


class _Payload(msgspec.Struct):
    metadata: _Clock | None = None
    memory: _Timed | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_PAYLOAD = msgspec.json.Decoder(_Payload | None)
_SECONDS = msgspec.json.Decoder(float)


def find(folder: Path, dataset: str, without: Path | None = None) -> Iterator[FoundSession | Refused]:
    """Every `*.json` below the folder, as a session or refused with the reason, in the order of their paths."""
    source = Source(
        name=SOURCE,
        version=commit_of(folder, REPOSITORY) or "unknown",
        licence="CC BY 4.0",
        attribution="AWS Instance Benchmarks, (c) 2025 Scott Friedman",
        url=f"https://github.com/{REPOSITORY}",
    )
    for place in walk(folder, without):
        for name, path in place.files.items():
            if path.suffix.lower() == ".json":
                yield _session(path, shown_path(place.relative, name), source, dataset)


def _session(path: Path, source_file: str, source: Source, dataset: str) -> FoundSession | Refused:
    size = path.stat().st_size
    if size > MAX_BYTES:
        return Refused(source_file, f"{size} bytes; a result of this source has at most {MAX_BYTES}", hash_file(path))
    raw = path.read_bytes()
    sha256 = hashlib.sha256(raw).hexdigest()
    try:
        subject, started_at, ended_at = _envelope(raw)
    except ManifestError as error:
        return Refused(source_file, str(error), sha256)
    manifest = Manifest(
        kind=SessionKind.INSTANCE_BENCHMARK,
        subject=subject,
        started_at=started_at,
        ended_at=ended_at,
        source=source,
        files=(RawFile(RESULT_FILE, len(raw), sha256),),
        dataset=dataset,
        labels={"source_file": source_file},
    )
    return FoundSession(manifest, {RESULT_FILE: path}, source_file)


def _envelope(raw: bytes) -> tuple[str, datetime, datetime]:
    """Instance type, start and end. Raises ManifestError in one sentence where the bytes do not say them."""
    try:
        document = _ENVELOPE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"not a result: {_short(error)}; expected a JSON object with `metadata`") from None
    metadata = document.metadata
    if metadata is None:
        raise ManifestError("not a result: `metadata` is missing; expected instance type and start time there")
    named = {name for name in (metadata.instance_type, metadata.instance_type_b) if isinstance(name, str) and name}
    if len(named) != 1:
        found = " and ".join(sorted(repr(name[:40]) for name in named)) or "none"
        raise ManifestError(f"metadata.instance_type, metadata.instanceType: found {found}; expected one instance type")
    subject = named.pop()
    if not is_instance_type(subject):
        raise ManifestError(f"metadata: {subject[:40]!r} is no instance type; expected a name like 'm7i.large'")
    started_at = instant(metadata.timestamp)
    if started_at is None or not believable_start(started_at):
        found = repr(metadata.timestamp)[:60]
        raise ManifestError(f"metadata.timestamp: found {found}; expected a start with its UTC offset: 2025-06-29T23:21:58Z")
    return subject, started_at, _end(document, metadata, started_at)


def _end(document: _Envelope, metadata: _Metadata, started_at: datetime) -> datetime:
    """The end as the payload's own clock says it, else start and duration, else the start."""
    for raw in (document.performance, document.performance_data):
        payload = _decoded(_PAYLOAD, raw)
        clocks = (payload.memory.metadata if payload and payload.memory else None, payload.metadata if payload else None)
        for clock in clocks:
            stated = instant(clock.timestamp) if clock else None
            if stated is not None and believable_end(started_at, stated) == stated:
                return stated
    seconds = _decoded(_SECONDS, metadata.duration_seconds)
    if seconds is None or not 0 <= seconds <= LONGEST.total_seconds():
        return started_at
    return started_at + timedelta(seconds=int(seconds))


def _decoded(decoder: msgspec.json.Decoder[_T], raw: msgspec.Raw) -> _T | None:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _short(error: Exception) -> str:
    return str(error)[:160] or type(error).__name__
