"""Take a folder of other people's raw results in: find the sessions, store their bytes untouched, register them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from assay.collect.importers import FoundSession, Refused, finder
from assay.database.arrivals import Arrival
from assay.errors import AssayError, DatasetConflict
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, raw_prefix
from assay.storage import store_files
from assay.workspace import Workspace

log = logging.getLogger(__name__)

SESSIONS_AT_ONCE = 16
_BATCH = 500
"""Sessions that are stored and registered in one go: what a kill undoes, a rerun makes up."""


@dataclass(frozen=True)
class ImportReport:
    """What became of everything that was found: read = imported + already_there + rejected."""

    read: int
    imported: int
    already_there: int
    rejected: int


def import_folder(
    workspace: Workspace, source: str, folder: Path, *, progress: Callable[[int], None] | None = None
) -> ImportReport:
    """Import every result of `source` below `folder` into the workspace's dataset; `progress` is told how many were read so far.

    The same bytes give the same sessions, wherever and in whatever order they lie: what is known is not stored again. Raises
    AssayError when the source is not known or the folder is none, DatasetConflict before anything is stored when the dataset has
    another licence than the source.
    """
    find = finder(source)
    if not folder.is_dir():
        raise AssayError(f"{folder}: not a folder; expected one with raw files of {source}")
    started_at = datetime.now(UTC)
    run = f"import {source} {started_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    imported = already_there = rejected = 0
    for batch in _batches(find(folder, workspace.dataset, workspace.settings.home)):
        sessions = [found for found in batch if isinstance(found, FoundSession)]
        refused = [found for found in batch if isinstance(found, Refused)]
        new, conflicts = _take(workspace, sessions, run)
        for found in refused:
            log.warning("%s: rejected: %s", found.source_file, found.reason)
            workspace.ledger.reject(found.source_file, found.reason, found.sha256, run)
        imported += new
        already_there += len(sessions) - new - conflicts
        rejected += len(refused) + conflicts
        if progress is not None:
            progress(imported + already_there + rejected)
    report = ImportReport(imported + already_there + rejected, imported, already_there, rejected)
    noted = workspace.ledger.accounting(run)
    # What was rejected before is noted with the run that rejected it first; for this run's sum it was there already.
    workspace.ledger.record_run(
        run, f"import {source}", started_at=started_at, ended_at=datetime.now(UTC), already_there=report.read - noted.read
    )
    seconds = (datetime.now(UTC) - started_at).total_seconds()
    log.info(
        "imported %s: read %d, imported %d, already there %d, rejected %d in %.1f s",
        source,
        report.read,
        report.imported,
        report.already_there,
        report.rejected,
        seconds,
    )
    if report.read == 0:
        log.warning("%s: holds no result of %s; expected the source's folders or a part of them", folder, source)
    return report


def _take(workspace: Workspace, sessions: list[FoundSession], run: str) -> tuple[int, int]:
    """Store and register what is not known; how many were new, and how many have the id of other bytes."""
    known = workspace.ledger.known([found.manifest.session for found in sessions])
    new = {found.manifest.session: found for found in reversed(sessions) if found.manifest.session not in known}
    _check_licence(workspace, [found.manifest for found in sessions])
    with workspace.ledger.keeping_raw():  # what another dataset has stored is taken for granted until this one is registered
        with ThreadPoolExecutor(SESSIONS_AT_ONCE, thread_name_prefix="assay-import") as pool:
            arrivals = list(pool.map(lambda found: _store(workspace, found, run), new.values()))
        registered = workspace.ledger.register_many(sorted(arrivals, key=lambda arrival: arrival.manifest.session))
    return len(registered.new), len(registered.conflicts)


def _check_licence(workspace: Workspace, manifests: Iterable[Manifest]) -> None:
    fixed = workspace.ledger.licence()
    for manifest in manifests:
        if fixed is not None and manifest.source.licence != fixed:
            raise DatasetConflict(
                f"dataset {workspace.dataset!r} is under {fixed}; {manifest.source.name} is under {manifest.source.licence}. "
                f"Nothing was stored. Import it into a dataset of its own: --dataset {manifest.source.name}"
            )


def _store(workspace: Workspace, found: FoundSession, run: str) -> Arrival:
    manifest = found.manifest
    prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
    content = manifest.to_bytes()
    if not store_files(workspace.storage, found.paths, manifest, at_once=1):
        # It lies there from an import that was killed, or from another dataset: the manifest that counts is the stored one.
        key = prefix + MANIFEST_NAME
        content = workspace.storage.read(key, limit=MAX_MANIFEST_BYTES)
        manifest = replace(Manifest.parse(content, workspace.storage.uri(key)), dataset=workspace.dataset)
    return Arrival(manifest, hashlib.sha256(content).hexdigest(), prefix, found.source_file, run)


def _batches(found: Iterator[FoundSession | Refused]) -> Iterator[list[FoundSession | Refused]]:
    try:
        while batch := list(islice(found, _BATCH)):
            yield batch
    except OSError as error:
        raise AssayError(f"{error.filename}: {error.strerror}; expected a readable file. Import again when it is one.") from error
