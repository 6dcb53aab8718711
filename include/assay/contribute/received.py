"""What a contribution holds: sessions of our agent by their manifests, or raw files of a public format that an importer knows."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assay.collect.importers import FoundSession, Refused, sources
from assay.collect.importers.found import FoundFolder, walk
from assay.contribute.unpack import MAX_TOTAL_BYTES, unpack
from assay.errors import AssayError, ManifestError
from assay.session import MANIFEST_NAME, MAX_FILES, MAX_MANIFEST_BYTES, Manifest, SessionKind, hash_file, is_safe_path

DATASET = "contribution"


@dataclass(frozen=True)
class Received:
    """A session as it came: the manifest, its bytes, and every file that lies in its folder, listed or not."""

    manifest: Manifest
    manifest_bytes: bytes
    paths: Mapping[str, Path]
    source_file: str


def receive(path: Path, scratch: Path) -> Iterator[Received | Refused]:
    """The sessions in a folder, a zip archive or a single raw file, and what cannot form one. Writes below `scratch` only.

    Raises AssayError when the path is not there or cannot be read.
    """
    name = path.name or path.resolve().name
    try:
        if path.is_dir():
            yield from _folder(path, name)
        elif not path.is_file():
            raise AssayError(f"{path}: no such file or folder; expected a session's folder, a .zip of it, or a raw file")
        elif zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
            yield from _archive(path, name, scratch)
        else:
            alone = _empty(scratch) / name
            if path.stat().st_size > MAX_TOTAL_BYTES:
                yield Refused(name, f"{path.stat().st_size} bytes; expected at most {MAX_TOTAL_BYTES}", hash_file(path))
                return
            shutil.copyfile(path, alone)
            yield from _public(alone.parent, name)
    except OSError as error:
        raise AssayError(f"{error.filename or path}: {error.strerror}; expected files that can be read") from error


def _archive(path: Path, name: str, scratch: Path) -> Iterator[Received | Refused]:
    folder = _empty(scratch)
    try:
        unpack(path, folder)
    except ManifestError as error:
        yield Refused(name, str(error), hash_file(path))
        return
    yield from _folder(folder, name)


def _folder(folder: Path, name: str) -> Iterator[Received | Refused]:
    places = list(walk(folder))
    size = sum(path.stat().st_size for place in places for path in place.files.values())
    count = sum(len(place.files) for place in places)
    if size > MAX_TOTAL_BYTES or count > MAX_FILES:
        reason = f"{count} files, {size} bytes; expected at most {MAX_FILES} files and {MAX_TOTAL_BYTES} bytes"
        yield Refused(name, reason, hashlib.sha256(reason.encode()).hexdigest())
        return
    manifests = [place for place in places if MANIFEST_NAME in place.files]
    if not manifests:
        yield from _public(folder, name)
        return
    for place in manifests:
        yield _session(place, places, "/".join(part for part in (name, place.relative, MANIFEST_NAME) if part))


def _session(own: FoundFolder, places: list[FoundFolder], source_file: str) -> Received | Refused:
    path = own.files[MANIFEST_NAME]
    with path.open("rb") as stream:
        raw = stream.read(MAX_MANIFEST_BYTES + 1)
    try:
        manifest = Manifest.parse(raw, source_file)
        if manifest.kind != SessionKind.INSTANCE_BENCHMARK:
            raise ManifestError(f"{source_file}: kind: found {manifest.kind.value!r}; the rules judge 'instance_benchmark'")
        files = _files(own, places)
        unsafe = next((name for name in files if not is_safe_path(name)), None)
        if unsafe is not None:
            raise ManifestError(f"{source_file}: beside it lies {unsafe[:120]!r}; expected names that are safe on every system")
    except ManifestError as error:
        return Refused(source_file, str(error), hashlib.sha256(raw).hexdigest())
    return Received(manifest, raw, files, source_file)


def _files(own: FoundFolder, places: list[FoundFolder]) -> dict[str, Path]:
    """Every regular file at or below the manifest's folder, by path in it, without the manifest."""
    base = PurePosixPath(own.relative)
    files: dict[str, Path] = {}
    for place in places:
        relative = PurePosixPath(place.relative)
        if relative.is_relative_to(base):
            below = relative.relative_to(base)
            files |= {(below / name).as_posix(): path for name, path in place.files.items()}
    del files[MANIFEST_NAME]
    return files


def _public(folder: Path, name: str) -> Iterator[Received | Refused]:
    """What the importer makes of it that finds most sessions there."""
    found = {source: list(find(folder, DATASET, None)) for source, find in sorted(sources().items())}
    best = max(found.values(), key=lambda items: (sum(isinstance(item, FoundSession) for item in items), len(items)))
    for item in best:
        if isinstance(item, FoundSession):
            yield Received(item.manifest, item.manifest.to_bytes(), item.paths, item.source_file)
        else:
            yield item
    if not best:
        reason = f"neither a {MANIFEST_NAME} of our agent nor a raw file of {', '.join(found)}; see docs/contribute.md"
        yield Refused(name, reason, hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest())


def _empty(scratch: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=scratch))
