"""A published tree, or one folder of it, on disk: which documents there are, and whether every one keeps its contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from assay.dataset.manifest import MANIFEST
from assay.dataset.schema import NEWEST, VERSIONS, schema_of
from assay.dataset.validate import Fault, faults_of

LATEST, PROCESSED = "latest", "processed"
METADATA = "metadata.json"
ENDPOINTS = "endpoints.json"
LISTS = {METADATA: "documents", MANIFEST: "files", ENDPOINTS: "endpoints"}
"""Documents that state the size and hash of others, and the field that does."""

MAX_BYTES = 1_000_000_000
_NOT_DOCUMENTS = ("schemas", "examples")


@dataclass(frozen=True)
class Found:
    """A document on disk. `name`: what its schema goes by. `version`: that of the contract that it says it keeps."""

    path: Path
    name: str
    version: str | None
    document: Any


@dataclass
class Report:
    """What was checked. `documents`: path below the folder -> version. `unknown`: JSON files that are no document of ours."""

    documents: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    files: int = 0
    faults: list[Fault] = field(default_factory=list)


def validate_tree(root: Path, progress: Callable[[str], None] = lambda path: None) -> Report:
    """Check every document below a folder against the schema that its own schema_version names, and every size and hash that a
    manifest, metadata.json or endpoints.json states against the file. `progress` is called with each path."""
    report = Report()
    for path in json_files(root):
        shown = path.relative_to(root).as_posix()
        name = name_of(path)
        if name is None:
            report.unknown.append(shown)
            continue
        progress(shown)
        try:
            found = read_document(path, name)
        except ValueError as error:
            report.faults.append(Fault(shown, (), str(error), "a document of the dataset"))
            continue
        if found.version not in VERSIONS:
            expected = f"a version of the contract that this release knows: {', '.join(VERSIONS)}"
            report.faults.append(Fault(shown, ("schema_version",), repr(found.version), expected))
            continue
        report.documents[shown] = found.version
        faults = faults_of(name, found.document, found.version)
        report.faults += [Fault(shown, fault.path, fault.found, fault.expected, fault.schema) for fault in faults]
        if not faults and path.name in LISTS:
            report.faults += list(_hash_faults(root, path, found.document, report))
    return report


def json_files(root: Path) -> Iterator[Path]:
    """The JSON files below a folder that may be documents, in order: not the schemas, not the examples, nothing hidden."""
    for path in sorted(root.rglob("*.json")):
        inside = path.relative_to(root).parts
        if path.is_file() and not any(part in _NOT_DOCUMENTS or part.startswith(".") for part in inside):
            yield path


def name_of(path: Path) -> str | None:
    """What the schema of a file goes by: its name, or its path below `processed/` for one over time; None if it has none."""
    parts = path.parts
    if PROCESSED in parts:
        below = "/".join(parts[len(parts) - parts[::-1].index(PROCESSED) :])
        if schema_of(below) is not None:
            return below
    return path.name if schema_of(path.name) is not None else None


def read_document(path: Path, name: str) -> Found:
    """Decode a document. Raises ValueError where its bytes are none."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.stat().st_size} bytes")
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"bytes that are not JSON ({error})") from error
    if isinstance(document, list):  # a list has no field to say it in: the folder's other documents do
        return Found(path, name, _version_of_folder(path.parent), document)
    version = document.get("schema_version") if isinstance(document, Mapping) else None
    return Found(path, name, version if isinstance(version, str) else None, document)


def stated_folder(path: Path, document: Mapping[str, Any]) -> Path:
    """The folder that the entries of a list of files are relative to."""
    return path.parents[2] / str(document["base"]) if path.name == ENDPOINTS else path.parent


def _version_of_folder(folder: Path) -> str:
    for name in (MANIFEST, METADATA):
        try:
            return str(orjson.loads((folder / name).read_bytes())["schema_version"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return NEWEST


def _hash_faults(root: Path, path: Path, document: Mapping[str, Any], report: Report) -> Iterator[Fault]:
    shown, key = path.relative_to(root).as_posix(), LISTS[path.name]
    folder = stated_folder(path, document)
    if path.name == ENDPOINTS and not folder.is_dir():
        return  # data/api alone was given
    # An endpoint may lie above the newest snapshot, in the folder of the documents over time; never outside data/.
    bounds = path.parents[1] if path.name == ENDPOINTS else folder
    yield from _listed(shown, key, document[key], folder, bounds, report)
    if path.name != MANIFEST:
        return
    if folder.name == LATEST and folder.parent.name == PROCESSED:
        # Of the dated snapshots, the documents over time have gone on since.
        yield from _listed(shown, "history", document.get("history", []), folder.parent, folder.parent, report)
    listed = {entry["path"] for entry in document[key]} | {MANIFEST}
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    for stray in sorted(there - listed):
        yield Fault(shown, (key,), f"no entry for {stray}, which is in the folder", "every file of the snapshot")


def _listed(
    shown: str, key: str, entries: Iterable[Mapping[str, Any]], folder: Path, bounds: Path, report: Report
) -> Iterator[Fault]:
    for number, entry in enumerate(entries):
        file = folder / entry["path"]
        where = (key, number)
        if not file.resolve().is_relative_to(bounds.resolve()):
            yield Fault(shown, (*where, "path"), repr(entry["path"]), f"a file below {bounds.name}/")
        elif not file.is_file():
            yield Fault(shown, (*where, "path"), f"{entry['path']}, which is not there", "every file that is listed")
        else:
            report.files += 1
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = file.stat().st_size
            if size != entry["bytes"]:
                yield Fault(shown, (*where, "bytes"), f"{entry['bytes']}", f"{size}, the size of {entry['path']}")
            elif digest != entry["sha256"]:
                yield Fault(shown, (*where, "sha256"), entry["sha256"], f"{digest}, the SHA-256 of {entry['path']}")
