"""Spare Cores inspector data: one run of one task on one instance type is a session.

Layouts, wherever they lie below the folder: `<type>/<task>/<files>` (the newest run of a task),
`<type>/<task>/<start>Z/<files>` (a run among repeats) and `<type>/timing/<workflow run>/<mark>` (launch times). A task's run
forms a session if its `meta.json` says when it started; a timing run if one of its marks does. The same run found in two places
is one session, with the files of both.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from assay.collect.importers.checkout import commit_of
from assay.collect.importers.found import MAX_FILES_PER_FOLDER, FoundFolder, FoundSession, Refused, digest, shown_path, walk
from assay.collect.importers.times import believable_end, believable_start, instant
from assay.errors import ManifestError
from assay.reference.names import is_instance_type
from assay.session import Manifest, RawFile, SessionKind, Source, hash_file, is_safe_path

SOURCE = "spare-cores"
REPOSITORY = "SpareCores/sc-inspector-data"
META = "meta.json"
TIMING = "timing"
MAX_META_BYTES = 256 * 1024
OTHER_VENDORS = frozenset({"alicloud", "azure", "gcp", "hcloud", "ovh", "upcloud", "vultr"})
"""The source's folders of clouds that are not EC2; this project measures EC2 and passes them over."""

_SIZE = re.compile(r"nano|micro|small|medium|(?:\d*x)?large|metal(?:-\d+xl)?")
_RUN = re.compile(r"\d{8}T\d{6}Z")
_WORKFLOW_RUN = re.compile(r"\d{1,20}")
_TASK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class _Meta(msgspec.Struct):
    start: Any = None
    end: Any = None


@dataclass(frozen=True)
class _Place:
    """Which run of which task on which instance type a folder holds."""

    subject: str
    task: str
    run: str


_META = msgspec.json.Decoder(_Meta)


def find(folder: Path, dataset: str, without: Path | None = None) -> Iterator[FoundSession | Refused]:
    """Every run below the folder, as a session or refused with the reason, in the order of their paths."""
    source = Source(
        name=SOURCE,
        version=commit_of(folder, REPOSITORY) or "unknown",
        licence="CC BY-SA 4.0",
        attribution="Spare Cores, sc-inspector-data",
        url=f"https://github.com/{REPOSITORY}",
    )
    found: list[FoundSession | Refused] = []
    for place in walk(folder, without):
        found.extend(_sessions(folder, place, source, dataset))
    yield from _together(found)


def _sessions(root: Path, folder: FoundFolder, source: Source, dataset: str) -> Iterator[FoundSession | Refused]:
    place = _place(root, folder)
    source_file = shown_path(folder.relative) or root.name
    if place is None:
        return
    try:
        if isinstance(place, str):
            raise ManifestError(place)
        yield _session(place, folder.files, source_file, source, dataset)
    except ManifestError as error:
        yield Refused(source_file, str(error), digest(dict(list(folder.files.items())[:MAX_FILES_PER_FOLDER])))


def _place(root: Path, folder: FoundFolder) -> _Place | str | None:
    """What a folder holds by its path; why it holds no run; None where it does not lie below an instance type of EC2."""
    parts = [*root.absolute().parts[-3:], *(part for part in folder.relative.split("/") if part)]
    at = max((number for number, part in enumerate(parts) if _is_type_folder(part)), default=None)
    if at is None or (at > 0 and parts[at - 1] in OTHER_VENDORS):
        return None
    subject, below = parts[at], parts[at + 1 :]
    if below and _TASK.fullmatch(below[0]):
        if len(below) == 1:
            return _Place(subject, below[0], "")
        if len(below) == 2 and (_RUN if below[0] != TIMING else _WORKFLOW_RUN).fullmatch(below[1]):
            return _Place(subject, below[0], below[1])
    return "no run of a task; expected <instance type>/<task>/ or <instance type>/<task>/<start>Z/"


def _is_type_folder(name: str) -> bool:
    return is_instance_type(name) and _SIZE.fullmatch(name.split(".")[1]) is not None


def _session(place: _Place, files: Mapping[str, Path], source_file: str, source: Source, dataset: str) -> FoundSession:
    if len(files) > MAX_FILES_PER_FOLDER:
        raise ManifestError(f"{len(files)} files; a run has at most {MAX_FILES_PER_FOLDER}")
    unsafe = next((name for name in files if not is_safe_path(shown_path(name))), None)
    if unsafe is not None:
        raise ManifestError(f"{shown_path(unsafe)!r}: a name with control characters, ':' or a backslash")
    is_marks = place.task == TIMING and place.run != ""
    started_at, ended_at, run = (*_marks(files), place.run) if is_marks else _meta(files)
    raw = tuple(sorted(RawFile(shown_path(name), path.stat().st_size, hash_file(path)) for name, path in files.items()))
    manifest = Manifest(
        kind=SessionKind.INSTANCE_BENCHMARK,
        subject=place.subject,
        started_at=started_at,
        ended_at=ended_at,
        source=source,
        files=raw,
        dataset=dataset,
        labels={"source_file": source_file, "task": f"{TIMING}_marks" if is_marks else place.task, "run": run},
    )
    return FoundSession(manifest, {shown_path(name): path for name, path in files.items()}, source_file)


def _meta(files: Mapping[str, Path]) -> tuple[datetime, datetime, str]:
    """Start, end and the start as written, from meta.json; the source writes UTC without saying so."""
    path = files.get(META)
    if path is None:
        raise ManifestError(f"{META} is missing: start, end and exit code of the run are not known")
    if path.stat().st_size > MAX_META_BYTES:
        raise ManifestError(f"{META}: {path.stat().st_size} bytes; expected at most {MAX_META_BYTES}")
    try:
        meta = _META.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"{META}: {str(error)[:160]}; expected a JSON object with `start`") from None
    started_at = instant(meta.start, zone=False)
    if started_at is None or not believable_start(started_at):
        raise ManifestError(f"{META}: start: found {repr(meta.start)[:60]}; expected UTC as in 2024-06-08T08:22:57.844344")
    return started_at, believable_end(started_at, instant(meta.end, zone=False)), str(meta.start)


def _marks(files: Mapping[str, Path]) -> tuple[datetime, datetime]:
    """First and last of a launch's marks."""
    stated = (instant(path.read_bytes()[:64].decode("utf-8", "replace").strip()) for path in files.values())
    moments = sorted(moment for moment in stated if moment is not None and believable_start(moment))
    if not moments:
        raise ManifestError("no mark holds an instant; expected UTC as in 2026-06-11T22:02:17Z")
    return moments[0], believable_end(moments[0], moments[-1])


def _together(found: list[FoundSession | Refused]) -> Iterator[FoundSession | Refused]:
    """The same run found in two places becomes the same session twice: where no file contradicts, with the files of all
    places."""
    runs: dict[str, list[FoundSession]] = {}
    for session in found:
        if isinstance(session, FoundSession):
            runs.setdefault(_run_key(session.manifest), []).append(session)
    merged = {id(session): whole for same in runs.values() for session, whole in _merged(same)}
    for session in found:
        yield merged.get(id(session), session)


def _merged(same: list[FoundSession]) -> Iterator[tuple[FoundSession, FoundSession]]:
    files: dict[str, RawFile] = {}
    paths: dict[str, Path] = {}
    for session in same:
        if any(files.get(file.path, file) != file for file in session.manifest.files):
            return
        files |= {file.path: file for file in session.manifest.files}
        paths |= {name: path for name, path in session.paths.items() if name not in paths}
    for session in same:
        manifest = replace(session.manifest, files=tuple(sorted(files.values())))
        yield session, FoundSession(manifest, paths, session.source_file)


def _run_key(manifest: Manifest) -> str:
    meta = next((file.sha256 for file in manifest.files if file.path == META), manifest.files_digest)
    return hashlib.sha256(
        "\n".join((manifest.subject, manifest.labels["task"], manifest.labels["run"], meta)).encode()
    ).hexdigest()
