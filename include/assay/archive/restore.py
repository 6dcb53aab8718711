"""From an archive alone back to a snapshot: raw sessions into raw storage, through every stage again, and the same documents.

That the documents are the same to the byte is the proof that nothing was lost: they are compared with the published hashes.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from assay.archive.facts import price_table
from assay.archive.index import SESSIONS, Document, Index
from assay.archive.make import LOCK
from assay.archive.place import ArchivePlace
from assay.archive.tar import Content, members
from assay.archive.unpack import Stored, unpack
from assay.archive.verify import enter, index_lines, read_index
from assay.dataset.build import COMPARED, build_documents
from assay.dataset.content import Counts, DatasetContent, PreviousSnapshot
from assay.dataset.encode import sha256
from assay.dataset.manifest import MANIFEST
from assay.errors import ArchiveError
from assay.process import process_arrived
from assay.publish.gather import gather_content
from assay.publish.layout import PROCESSED
from assay.publish.spool import Spool, spool
from assay.summarize.step import refresh_statistics
from assay.workspace import Workspace

Tell = Callable[[str], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Restored:
    """What was brought back. `documents`: how many were made again and are the published ones to the byte.

    `compared`: False where the dataset holds other sessions too, whose documents are other documents.
    """

    snapshot: str
    sessions: int
    objects: int
    bytes: int
    documents: int
    compared: bool


def restore(
    workspace: Workspace, place: ArchivePlace, snapshot: str, *, to: Path | None = None, tell: Tell = lambda doing: None
) -> Restored:
    """Bring a snapshot's raw sessions back, process them, and make its documents again. Run again it goes on where it stopped.

    `to`: a folder that the documents are also written to. Raises ArchiveError if the archive does not hold what its index says,
    or if a document differs from the published one: the message names which, and what is stored stays for a look at it.
    """
    began = time.monotonic()
    with workspace.ledger.lock(LOCK):
        tell(f"reading the index of {snapshot}")
        index, digest = read_index(place, workspace.dataset, snapshot)
        # As large as was allowed then: what was quarantined for its size is so again, and nothing else.
        settings = workspace.settings.model_copy(update={"max_raw_file_bytes": index.max_raw_file_bytes})
        workspace = replace(workspace, settings=settings)
        stored = _bring_back(workspace, place, index, tell)
        known = {line.session for line in index_lines(place, index)}
        others = set(workspace.ledger.sessions()["session"]) - known
        if others:
            log.info("the dataset holds %d other sessions: raw files are back, documents are not compared", len(others))
            return Restored(snapshot, stored.sessions, stored.objects, stored.bytes, 0, False)
        _process(workspace, index, tell)
        tell("building the documents")
        with spool() as history:
            documents = build_documents(_content(workspace, place, index), history.write)
            if to is not None:
                _write(to, documents, history)
            _compare(index, documents, history)
        enter(workspace, place, snapshot, index, digest)
    log.info(
        "snapshot %s: restored %d sessions, %d objects (%.1f MB); %d documents as published, in %.1f s",
        *(snapshot, stored.sessions, stored.objects, stored.bytes / 1e6, len(documents) + len(history)),
        time.monotonic() - began,
    )
    return Restored(snapshot, stored.sessions, stored.objects, stored.bytes, len(documents) + len(history), True)


def _bring_back(workspace: Workspace, place: ArchivePlace, index: Index, tell: Tell) -> Stored:
    scratch = workspace.settings.home / "restoring" / workspace.dataset
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    stored = Stored()
    try:
        for stored in unpack(workspace, place, index, scratch):
            tell(f"brought back {stored.sessions} of {index.accepted + index.kept_out} sessions")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if stored.sessions != index.accepted + index.kept_out:
        raise ArchiveError(f"{place.where(index.snapshot, SESSIONS)}: holds {stored.sessions} sessions; the index says otherwise")
    return stored


def _process(workspace: Workspace, index: Index, tell: Tell) -> None:
    """Through every stage, as when they first came, and then what people decided."""
    for rejection in index.rejections:
        workspace.ledger.reject(rejection.source_file, rejection.reason, rejection.sha256, f"restore {index.snapshot}")
    process_arrived(workspace, tell)
    there = workspace.ledger.decisions()["session"].value_counts().to_dict()
    decided = False
    for decision in index.decisions:
        if there.get(decision.session, 0) > 0:
            there[decision.session] -= 1  # this one was taken up by a run before
            continue
        workspace.ledger.decide(decision.session, decision.decision, who=decision.who, why=decision.why)
        decided = True
    if decided:
        refresh_statistics(workspace)


def _content(workspace: Workspace, place: ArchivePlace, index: Index) -> DatasetContent:
    """What the documents are built from: sessions and verdicts as processed now, and what the index says of the rest."""
    content = gather_content(workspace, _previous(place, index))
    accepted, kept_out = content.accounting.accepted, content.accounting.quarantined
    return replace(
        content,
        licence=index.licence,
        prices=price_table(index.prices),
        cost_region=index.cost_region,
        accounting=Counts(accepted + kept_out + index.rejected, accepted, kept_out, index.rejected),
    )


def _previous(place: ArchivePlace, index: Index) -> PreviousSnapshot | None:
    if index.previous is None:
        return None
    file = index.previous.documents
    content = Content(place.pieces(index.snapshot, file.file), place.where(index.snapshot, file.file), file.packed)
    documents = {member.name: b"".join(member.pieces) for member in members(content) if member.name in COMPARED}
    return PreviousSnapshot(index.previous.snapshot, documents)


def _compare(index: Index, documents: Mapping[str, bytes], history: Spool) -> None:
    """Every document with the hash of the published one. Raises ArchiveError that names those that differ."""
    published = {one.path: one for one in (*index.documents, index.manifest)}
    over_time = {one.path: one for one in index.history}
    wrong = _different(published, documents) + _different(over_time, history)
    if wrong:
        first = [name for name in wrong if name not in (MANIFEST, "metadata.json")] or wrong
        raise ArchiveError(
            f"snapshot {index.snapshot}: {len(wrong)} of {len(published) + len(over_time)} documents differ from those that were "
            f"published: {', '.join(first[:5])}. The raw sessions are back and every hash of theirs was right, so it is the code "
            f"or a setting that differs: the message of commit {index.commit[:12]} names the code that made the snapshot; "
            "restore with that. `--to FOLDER` writes the documents for a look at the difference"
        )


def _different(published: Mapping[str, Document], made: Mapping[str, bytes]) -> list[str]:
    missing = sorted(published.keys() ^ made.keys())
    return missing + [
        path
        for path, one in sorted(published.items())
        if path in made and (len(made[path]), sha256(made[path])) != (one.bytes, one.sha256)
    ]


def _write(folder: Path, documents: Mapping[str, bytes], history: Spool) -> None:
    """The documents, and those over time at their place below `data/processed/`."""
    for name, data in [*documents.items(), *((f"{PROCESSED}/{path}", history[path]) for path in history)]:
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise ArchiveError(f"{path}: cannot be written: {error}") from None
