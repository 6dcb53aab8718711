"""A session in raw storage: every raw file first, the manifest last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date
from pathlib import Path

from assay.errors import ManifestError, StorageConflict
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, raw_prefix
from assay.storage.interface import Storage

_FILES_AT_ONCE = 8


def find_manifest(storage: Storage, prefix: str) -> Manifest | None:
    """The manifest below a session's prefix, or None if the session has not arrived whole. Raises ManifestError, TooLarge."""
    key = f"{prefix.rstrip('/')}/{MANIFEST_NAME}"
    try:
        return Manifest.parse(storage.read(key, limit=MAX_MANIFEST_BYTES), storage.uri(key))
    except FileNotFoundError:
        return None


def store_session(storage: Storage, folder: Path, manifest: Manifest, *, day: date | None = None) -> bool:
    """Put a session's folder into raw storage; a kill at any point leaves no manifest, and a rerun completes it.

    `day`: the partition where it is not the UTC start, as for recordings. True: stored. False: the session was there, which is
    the case when the manifest that is there names the same files. Raises StorageConflict when it names others, StorageError when
    a file is not what the manifest says, ManifestError when one is missing.
    """
    return store_files(storage, {file.path: folder / file.path for file in manifest.files}, manifest, day=day)


def store_files(
    storage: Storage, paths: Mapping[str, Path], manifest: Manifest, *, day: date | None = None, at_once: int = _FILES_AT_ONCE
) -> bool:
    """As `store_session`, for files that lie anywhere: `paths` says where, by their path in the session.

    `at_once`: how many files are sent at the same time; 1 where the caller stores many sessions at once.
    """
    prefix = raw_prefix(manifest.kind, day or manifest.started_at.astimezone(UTC).date(), manifest.session)
    if _is_there(storage, prefix, manifest):
        return False
    for file in manifest.files:
        if not paths[file.path].is_file():
            raise ManifestError(
                f"{paths[file.path]}: missing; the manifest of session {manifest.session} lists it. Nothing was stored."
            )
    if at_once == 1 or len(manifest.files) == 1:
        for file in manifest.files:
            storage.write_once(prefix + file.path, paths[file.path], file.sha256)
    else:
        with ThreadPoolExecutor(at_once, thread_name_prefix="assay-store") as pool:
            sent = [pool.submit(storage.write_once, prefix + f.path, paths[f.path], f.sha256) for f in manifest.files]
            for future in sent:
                future.result()
    content = manifest.to_bytes()
    try:
        return storage.write_once(prefix + MANIFEST_NAME, content, hashlib.sha256(content).hexdigest())
    except StorageConflict:
        # Another process stored the same files meanwhile, with other labels.
        if _is_there(storage, prefix, manifest):
            return False
        raise


def _is_there(storage: Storage, prefix: str, manifest: Manifest) -> bool:
    there = find_manifest(storage, prefix)
    if there is None:
        return False
    if there.files_digest == manifest.files_digest:
        return True
    raise StorageConflict(
        f"{storage.uri(prefix + MANIFEST_NAME)}: session {manifest.session} is there with other files: "
        f"digest {there.files_digest}, these have {manifest.files_digest}. Nothing was changed."
    )
