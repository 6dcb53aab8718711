"""The step that takes a machine's upload over: what it claims is checked, and only then it becomes a session in raw storage."""

from __future__ import annotations

import hashlib
import logging
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from assay.collect.fleet.launch import Launched
from assay.collect.fleet.names import ARCHIVE
from assay.collect.fleet.record import record_stored
from assay.errors import ManifestError
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, raw_prefix
from assay.storage import Storage, find_manifest, store_session
from assay.workspace import Workspace

MAX_ARCHIVE_BYTES = 64 * 1024 * 1024

_CHUNK = 1024 * 1024

log = logging.getLogger(__name__)


def take_over(workspace: Workspace, launched: Launched) -> str:
    """Store the session that a machine has uploaded, register it, and give its id. Again: finds it and changes nothing.

    Raises ManifestError where the upload is no session, is not what the manifest says, or claims to be another machine's.
    """
    storage = workspace.storage
    key = launched.prefix + MANIFEST_NAME
    manifest = Manifest.parse(storage.read(key, limit=MAX_MANIFEST_BYTES), storage.uri(key))
    check_claims(manifest, launched, workspace.dataset)
    prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
    if find_manifest(storage, prefix) is None:
        with tempfile.TemporaryDirectory(prefix="assay-arrival-") as folder:
            _unpack(storage, launched.prefix + ARCHIVE, manifest, Path(folder))
            store_session(storage, Path(folder), manifest)
    stored = storage.read(prefix + MANIFEST_NAME, limit=MAX_MANIFEST_BYTES)
    workspace.ledger.register(manifest, hashlib.sha256(stored).hexdigest(), prefix, run=launched.run)
    record_stored(workspace.engine, launched, manifest.session)
    size = sum(file.size for file in manifest.files) / 1000
    log.info("session %s: stored %d files (%.0f kB) of %s", manifest.session, len(manifest.files), size, manifest.subject)
    return manifest.session


def check_claims(manifest: Manifest, launched: Launched, dataset: str) -> None:
    """Raises ManifestError where a machine says that it is what it is not: another type, another run, another dataset."""
    if launched.emulated:
        right = manifest.subject.startswith("host-") and manifest.labels.get("emulated") == launched.instance_type
        expected = f"a host's label, and emulated={launched.instance_type} among the labels"
    else:
        right = manifest.subject == launched.instance_type and "emulated" not in manifest.labels
        expected = launched.instance_type
    if not right:
        raise ManifestError(f"{launched.prefix}{MANIFEST_NAME}: subject: found {manifest.subject!r}; expected {expected}")
    for name, found, wanted in (
        ("dataset", manifest.dataset, dataset),
        ("labels.run", manifest.labels.get("run"), launched.run),
        ("labels.slot", manifest.labels.get("slot"), launched.slot),
    ):
        if found != wanted:
            raise ManifestError(f"{launched.prefix}{MANIFEST_NAME}: {name}: found {found!r}; expected {wanted!r}")


def _unpack(storage: Storage, key: str, manifest: Manifest, folder: Path) -> None:
    """Write the files that the manifest lists, and no other, below the folder; nothing that the archive says is believed."""
    where = storage.uri(key)
    size = storage.size(key)
    if size is None or size > MAX_ARCHIVE_BYTES:
        raise ManifestError(f"{where}: found {size} bytes; expected an archive of at most {MAX_ARCHIVE_BYTES}")
    wanted = {file.path: file.size for file in manifest.files}
    with tempfile.TemporaryFile() as archive:
        for chunk in storage.chunks(key):
            archive.write(chunk)
        archive.seek(0)
        try:
            with tarfile.open(fileobj=archive, mode="r:") as opened:
                for member in opened:
                    if member.isreg() and wanted.get(member.name) == member.size:
                        content = opened.extractfile(member)
                        assert content is not None
                        _write(folder / member.name, content)
                        del wanted[member.name]
        except tarfile.TarError as error:
            raise ManifestError(f"{where}: not a tar archive that can be read ({error})") from None
    if wanted:
        raise ManifestError(f"{where}: lacks {len(wanted)} files of the manifest's sizes, such as {min(wanted)}")


def _write(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target:
        while chunk := content.read(_CHUNK):
            target.write(chunk)
