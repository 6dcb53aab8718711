"""One look at everything, or two: what differs at a moment may be on its way, what differs at both is named."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import itemgetter

from sqlalchemy import Connection

from assay.database import expected as rows
from assay.database.expected import Expected, Standing
from assay.errors import AssayError
from assay.preprocess.registry import processors
from assay.reconcile.difference import Difference, Kind, advice
from assay.reconcile.merge import side_by_side
from assay.session import RawFile, files_digest
from assay.storage import Storage, StoredObject
from assay.workspace import Workspace

LAYERS = ("processed/executions", "processed/measurements", "processed/recordings", "raw")
"""In the order of the keys. What else lies in a store (archives, built documents, caches) is no part of the proof."""

MOST_NAMED = 1_000
PATIENCE_H = 6.0
"""So long something may wait to be entered or processed before it is named."""

PAUSE_S = 2.0

_TOLD = 100
"""Objects after which it is told how far it is."""

_MADE = re.compile(r"processed/recordings/([^/]+)-([^-/]+)/([^/]+)/(.+)")
_FOLDER = re.compile(r"raw/[a-z_]+/\d{4}/\d{2}/\d{2}/[^/]+/")


@dataclass
class Report:
    """What was looked at, and what differs: `differences` names the first of `total`."""

    objects: int = 0
    bytes: int = 0
    hashed: int = 0
    hashed_bytes: int = 0
    coming: int = 0
    sessions: int = 0
    total: int = 0
    differences: list[Difference] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """Count it, and name it while there are not too many."""
        self.total += 1
        if len(self.differences) < MOST_NAMED:
            self.differences.append(difference)


def reconcile(
    workspace: Workspace,
    *,
    share: float,
    patience_h: float = PATIENCE_H,
    seed: str = "",
    pause: Callable[[float], None] = time.sleep,
    tell: Callable[[Report], None] = lambda so_far: None,
) -> Report:
    """Compare storage and database, for all datasets; nothing is changed.

    `share`: of the objects whose hash is known, how many are read and hashed (0 to 1); `seed` chooses which. `patience_h`: hours
    that something may wait to be entered or processed. `tell` is told how far it is, often. Raises StorageError or
    DatabaseUnavailable when one cannot be read.
    """
    if not 0 <= share <= 1:
        raise AssayError(f"share of hashes: found {share}; expected 0 to 1")
    first = _look(workspace, lambda key: zlib.crc32(f"{seed}\n{key}".encode()) < share * 2**32, patience_h, tell)
    if not first.total:
        return first
    pause(PAUSE_S)
    suspect = {difference.where for difference in first.differences if difference.kind is Kind.CONTENT}
    stores = (workspace.storage, workspace.recordings)
    second = _look(workspace, lambda key: any(store.uri(key) in suspect for store in stores), patience_h, tell)
    both = set(first.differences)
    first.differences = [difference for difference in second.differences if difference in both]
    first.total = second.total if second.total > MOST_NAMED else len(first.differences)
    return first


def _look(workspace: Workspace, chosen: Callable[[str], bool], patience_h: float, tell: Callable[[Report], None]) -> Report:
    report = Report()
    apart = workspace.settings.recordings_url is not None
    with workspace.engine.connect() as streaming, workspace.engine.connect() as asking:
        _compare(report, workspace.storage, (False,) if apart else (False, True), LAYERS, chosen, streaming, asking, tell)
        if apart:
            _compare(report, workspace.recordings, (True,), LAYERS[-1:], chosen, streaming, asking, tell)
        _rows(report, streaming, patience_h)
    report.differences.sort()
    return report


def _compare(
    report: Report,
    storage: Storage,
    recordings: tuple[bool, ...],
    layers: tuple[str, ...],
    chosen: Callable[[str], bool],
    streaming: Connection,
    asking: Connection,
    tell: Callable[[Report], None],
) -> None:
    wanted = rows.expected_objects(streaming, recordings=recordings, processed=len(layers) > 1)
    there = chain.from_iterable(storage.list(layer) for layer in layers)
    foreign = _Foreign(asking)
    for row, stored in side_by_side(wanted, there):
        hashed = report.hashed
        if stored is not None:
            report.objects += 1
            report.bytes += stored.size
        if row is None and stored is not None:
            if foreign.is_accounted_for(stored.key):
                report.coming += 1
            else:
                what = "raw" if stored.key.startswith("raw/") else "processed"
                report.add(_difference(Kind.EXTRA, storage, stored.key, f"{stored.size} bytes", "nothing", what))
        elif row is not None:
            for difference in _of_row(report, storage, row, stored, chosen):
                report.add(difference)
        if report.hashed > hashed or not report.objects % _TOLD:
            tell(report)


def _of_row(
    report: Report, storage: Storage, row: Expected, stored: StoredObject | None, chosen: Callable[[str], bool]
) -> Iterator[Difference]:
    if row.standing is Standing.COMING:
        report.coming += stored is not None
    elif row.standing is Standing.CLEANED:
        if stored is not None:
            yield _difference(Kind.EXTRA, storage, row.key, f"{stored.size} bytes", "nothing: it was cleaned", "cleaned")
    elif stored is None:
        yield _difference(
            Kind.MISSING, storage, row.key, "nothing", f"the {row.what} of session {row.session}".rstrip(), row.what
        )
    elif row.size is not None and row.size != stored.size:
        yield _difference(Kind.SIZE, storage, row.key, f"{stored.size} bytes", f"{row.size} bytes", row.what)
    elif row.sha256 is not None and chosen(row.key):
        try:
            found = storage.sha256(row.key)
        except FileNotFoundError:
            found = "nothing"
        report.hashed += 1
        report.hashed_bytes += stored.size
        if found != row.sha256:
            yield _difference(Kind.CONTENT, storage, row.key, f"SHA-256 {found}", row.sha256, row.what)


class _Foreign:
    """Objects that no row names: part of a rejected session, or just being made? Asked once a folder, which come together."""

    def __init__(self, asking: Connection) -> None:
        self._asking, self._folder, self._answer = asking, "", False

    def is_accounted_for(self, key: str) -> bool:
        made, folder = _MADE.fullmatch(key), _FOLDER.match(key)
        if made is not None:
            processor, version, session, below = made.groups()
            return rows.is_being_processed(self._asking, session, processor, version, below)
        if folder is None:
            return False
        if folder[0] != self._folder:
            self._folder, self._answer = folder[0], rows.is_rejected(self._asking, folder[0])
        return self._answer


def _rows(report: Report, streaming: Connection, patience_h: float) -> None:
    """What the rows of the database contradict among themselves."""
    for (_, session, digest), files in groupby(rows.listed_files(streaming), key=itemgetter(0, 1, 2)):
        report.sessions += 1
        listed = [RawFile(path, size, sha256) for *_, path, size, sha256 in files if path]
        found = files_digest(listed)
        if found != digest:
            said = f"{len(listed)} rows of raw files, digest {found[:12]}"
            expected = f"those of its manifest, digest {digest[:12]}"
            report.add(Difference(Kind.ROWS, f"session {session}", said, expected, "Restore the table raw_files from a backup"))
    for row in rows.not_entered(streaming, patience_h):
        report.add(
            Difference(
                Kind.NOT_ENTERED,
                f"session {row.session} of {row.lab} in {row.prefix}",
                f"complete since {row.completed_at:%Y-%m-%dT%H:%MZ}",
                "a row in the ledger",
                f"Trigger ingest_recordings with session={row.session}, and see why its sweep did not find it",
            )
        )
    for row in rows.not_processed(streaming, patience_h):
        report.add(
            Difference(
                Kind.UNPROCESSED,
                f"session {row.session}: {row.path}",
                f"accepted since {row.changed_at:%Y-%m-%dT%H:%MZ}, and no processor was given these bytes",
                "processed files",
                "Trigger process_sessions, or run `assay process --dataset` with the session's dataset",
            )
        )
    for row in rows.done_without_files(streaming):
        where = f"session {row.session}: {row.path}"
        said = f"{row.processor} {row.version} is done, and no file"
        report.add(Difference(Kind.ROWS, where, said, "a row for each file that it made", advice(Kind.MISSING, "processed file")))
    now = {processor.NAME: processor.VERSION for processor in processors()}
    report.notices += [
        f"{count} files were processed by {processor} {version}; it is at {now.get(processor, 'no version: it is gone')}. "
        f"`assay recordings reprocess --processor {processor} --dry-run` shows them; reprocessing is by choice"
        for processor, version, count in rows.processed_by(streaming)
        if now.get(processor) != version
    ]


def _difference(kind: Kind, storage: Storage, key: str, found: str, wanted: str, what: str) -> Difference:
    return Difference(kind, storage.uri(key), found, wanted, advice(kind, what))
