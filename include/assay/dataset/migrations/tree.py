"""Migrates a published tree, or one folder of it: documents, and the sizes and hashes that other documents state of them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.dataset.encode import sha256, to_json
from assay.dataset.manifest import MANIFEST
from assay.dataset.migrations.backward import downgrade
from assay.dataset.migrations.forward import FROM, TO, upgrade
from assay.dataset.migrations.guide import guide_files
from assay.dataset.schema import schema_files, schema_of
from assay.dataset.tree import ENDPOINTS, LISTS, METADATA, Found, json_files, name_of, read_document, stated_folder, validate_tree
from assay.dataset.validate import refuse
from assay.errors import SchemaMismatch

STEPS: Mapping[tuple[str, str], Callable[[str, Any], Any]] = {(FROM, TO): upgrade, (TO, FROM): downgrade}
"""(from, to) -> what turns a document (file name, decoded) of one version into one of the other."""

_DATED = re.compile(r"(?:^|/)processed/v1\.0/\d{4}-\d{2}-\d{2}(?:\.\d+)?/")
_LAST = (METADATA, MANIFEST, ENDPOINTS)  # each states hashes of those before it


@dataclass(frozen=True)
class Migrated:
    """What a migration did, or would do. `moved`: documents in the new version. `left`: why a file stays as it is, by path."""

    moved: list[str]
    left: dict[str, str]


def migrate_tree(root: Path, older: str, newer: str, output: Path | None = None, *, dry_run: bool = False) -> Migrated:
    """Turn every document of one version below `root` into another version, in place, or into the new folder `output`.

    In place, a dated snapshot is left alone: it never changes. Into `output`, every other file is copied.

    Raises SchemaMismatch, and writes nothing, if no migration leads there, if `output` holds something, or if a document or a
    hash is not right before.
    """
    step = STEPS.get((older, newer))
    if step is None:
        known = "; ".join(f"{a} to {b}" for a, b in STEPS)
        raise SchemaMismatch(f"no migration leads from {older} to {newer}; there are: {known}")
    if output is not None and output.exists() and any(output.iterdir()):
        raise SchemaMismatch(f"{output}: found a folder that holds something; expected a new or empty one")
    if output is not None and output.resolve().is_relative_to(root.resolve()):
        raise SchemaMismatch(f"{output}: lies inside {root}; expected a folder beside it")
    if output is None and newer == FROM:
        raise SchemaMismatch(f"a document of {newer} says less than one of {older}: name a new folder with --output")
    root = Path(os.path.normpath(root))
    refuse(validate_tree(root).faults)
    left: dict[str, str] = {}
    documents = _select(root, older, newer, output is None, left)
    if not documents:
        raise SchemaMismatch(f"{root}: found no document of {older}; expected at least one, such as memory-benchmarks.json")
    new = {found.path: step(found.name, found.document) for found in documents}
    encoded = _encode(
        new, left_out={root / path for path, why in left.items() if why == _unknown(newer)}, versions=(older, newer)
    )
    migrated = Migrated([path.relative_to(root).as_posix() for path in sorted(encoded)], left)
    if not dry_run:
        _write(root, output, encoded, left, newer)
    return migrated


def _unknown(version: str) -> str:
    return f"not a document of {version}"


def _select(root: Path, older: str, newer: str, in_place: bool, left: dict[str, str]) -> list[Found]:
    documents = []
    for path in json_files(root):
        shown = path.relative_to(root).as_posix()
        name = name_of(path)
        if name is None:
            continue
        found = read_document(path, name)
        if found.version != older:
            left[shown] = f"is of version {found.version}"
        elif schema_of(name, newer) is None or schema_of(name, older) is None:
            left[shown] = _unknown(newer)
        elif in_place and _DATED.search(path.resolve().as_posix()):
            left[shown] = "a dated snapshot never changes; migrate it into another folder with --output"
        else:
            documents.append(found)
    return documents


def _encode(new: Mapping[Path, Any], left_out: set[Path], versions: tuple[str, str]) -> dict[Path, bytes]:
    """The bytes of the new documents; lists of files state the new sizes and hashes, and nothing of what is left out."""
    encoded = {path: to_json(document) for path, document in new.items() if path.name not in LISTS}
    for name in _LAST:
        for path, document in new.items():
            if path.name != name:
                continue
            folder = stated_folder(path, document)
            for key, base in ((LISTS[name], folder), ("history", folder.parent)):
                if key in document:
                    document[key] = _restated(document[key], base, encoded, left_out, versions)
            encoded[path] = to_json(document)
    return encoded


def _restated(
    entries: list[dict[str, Any]], base: Path, encoded: Mapping[Path, bytes], left_out: set[Path], versions: tuple[str, str]
) -> list[dict[str, Any]]:
    kept = []
    for entry in entries:
        path = Path(os.path.normpath(base / entry["path"]))
        if path in left_out:
            continue
        if path in encoded:
            entry |= {"bytes": len(encoded[path]), "sha256": sha256(encoded[path])}
        if "schema" in entry:
            entry["schema"] = entry["schema"].replace(f"/v{versions[0]}/", f"/v{versions[1]}/")
        kept.append(entry)
    return kept


def _write(root: Path, output: Path | None, encoded: Mapping[Path, bytes], left: Mapping[str, str], newer: str) -> None:
    if output is not None:
        gone = {root / path for path, why in left.items() if why == _unknown(newer)}
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and path not in encoded and path not in gone and ".git" not in inside.parts:
                target = output / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    place = root if output is None else output
    for path, data in encoded.items():
        _replace(place / path.relative_to(root), data)
    if (place / "data/schemas").is_dir():
        for path_, text in (schema_files() | guide_files()).items():
            _replace(place / "data" / path_, text.encode())


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data)
    partial.replace(path)
