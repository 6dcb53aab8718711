"""The stage `preprocess`: accepted recordings in, processed files out, each with the SHA-256 of the raw file it was made from."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from assay.check.judge import verdicts
from assay.check.rules import preprocess as rules
from assay.database.recordings import MadeFile, Processing
from assay.database.words import FINDING_COLUMNS
from assay.errors import StorageConflict
from assay.preprocess.apart import Workshop
from assay.preprocess.processor import CLIPPED, COPIED, GAPS, HEAD_BYTES, Broken, RawInput
from assay.preprocess.registry import processor_for
from assay.preprocess.scratch import scratch_folder
from assay.session import hash_file
from assay.storage import Storage
from assay.storage.local import LocalStorage
from assay.workspace import Workspace

PREFIX = "processed/recordings"

_RULES = {COPIED: rules.UNKNOWN_FORMAT, GAPS: rules.GAPS, CLIPPED: rules.CLIPPED}

log = logging.getLogger(__name__)


def preprocess_accepted(workspace: Workspace, *, again: bool = False) -> int:
    """Process every data file of the dataset's accepted recordings that was not processed yet; gives their number.

    `again`: also files that an older version of their processor did, and those on which one failed; what it made stays beside.
    Sessions one after the other, the files of one at the same time. A session with a broken file is put in quarantine with the
    reason. Killed at any point and run again it gives the same state: what is known of a session is entered at once, at its end.
    """
    return process_files(workspace, workspace.ledger.unprocessed(again=again), again=again)


def process_files(workspace: Workspace, waiting: pd.DataFrame, *, again: bool) -> int:
    """Process these files (columns session, prefix, path, sha256), sessions in their order; gives their number.

    `again`: not those that the version of now has done with the same bytes.
    """
    done = 0
    with scratch_folder(workspace.settings.home) as scratch, Workshop(scratch) as workshop:
        for session, files in waiting.groupby("session", sort=False):
            done += _process_session(workspace, workshop, str(session), files, again=again)
    return done


def _process_session(workspace: Workspace, workshop: Workshop, session: str, files: pd.DataFrame, *, again: bool) -> int:
    began = time.monotonic()
    earlier = workspace.ledger.processing([session])
    known = set(zip(earlier["path"], earlier["processor"], earlier["version"], earlier["input_sha256"], strict=True))
    rows = list(files[["prefix", "path", "sha256"]].itertuples(index=False, name=None))

    def one(row: tuple[str, str, str]) -> Processing | None:
        return _process_file(workspace, workshop, session, *row, known=known if again else set())

    with ThreadPoolExecutor(workspace.settings.processed_file_threads, thread_name_prefix="assay-preprocess") as pool:
        made = [each for each in pool.map(one, rows) if each is not None]
    if not made:
        return 0
    findings = _findings(session, made, earlier)
    workspace.ledger.record_processed(session, made, findings)
    everything = workspace.ledger.findings([session])
    workspace.ledger.record_verdicts(verdicts([session], everything))
    log.info(
        "session %s: %d files processed in %.1f s%s",
        *(session, len(made), time.monotonic() - began, "".join(f"; {message}" for message in findings["message"])),
    )
    return len(made)


def _process_file(
    workspace: Workspace,
    workshop: Workshop,
    session: str,
    prefix: str,
    path: str,
    sha256: str,
    *,
    known: set[tuple[str, str, str, str]],
) -> Processing | None:
    with tempfile.TemporaryDirectory(dir=workshop.scratch) as name:
        scratch = Path(name)
        with _on_disk(workspace.recordings, prefix + path, scratch / "input") as file:
            with file.open("rb") as stream:
                processor = processor_for(path, stream.read(HEAD_BYTES))
            if (path, processor.NAME, processor.VERSION, sha256) in known:
                return None
            folder = scratch / "made"
            folder.mkdir()
            try:
                made = workshop.process(processor, RawInput(session, path, file, sha256), folder)
            except Broken as error:
                return Processing(session, path, processor.NAME, processor.VERSION, sha256, str(error))
            below = f"{PREFIX}/{processor.NAME}-{processor.VERSION}/{session}/{path}"
            files = tuple(_store(workspace.storage, f"{below}/{out.name}", out.file, out.media_type) for out in made.outputs)
            return Processing(
                session, path, processor.NAME, processor.VERSION, sha256, flags=made.flags, facts=made.facts, files=files
            )


def _store(storage: Storage, key: str, file: Path, media_type: str) -> MadeFile:
    sha256 = hash_file(file)
    try:
        storage.write_once(key, file, sha256)
    except StorageConflict:
        # What a run that was killed left, made by another release of a library: nobody was told of it yet, or it is done anew.
        storage.delete([key])
        storage.write_once(key, file, sha256)
    return MadeFile(key, media_type, file.stat().st_size, sha256)


@contextlib.contextmanager
def _on_disk(storage: Storage, key: str, scratch: Path) -> Iterator[Path]:
    """The object as a file: itself where it lies in a folder, else a copy that is gone afterwards."""
    if isinstance(storage, LocalStorage):
        yield Path(storage.uri(key))
        return
    with scratch.open("wb") as stream:
        for chunk in storage.chunks(key):
            stream.write(chunk)
    yield scratch


def _findings(session: str, made: list[Processing], earlier: pd.DataFrame) -> pd.DataFrame:
    """The findings of the stage for the whole session: of what was made now, and of files that were not looked at again."""
    now = {one.path for one in made}
    newest = earlier[~earlier["path"].isin(now)].sort_values("processed_at").drop_duplicates("path", keep="last")
    those = [(one.path, one.processor, one.reason, one.flags) for one in made]
    those += list(newest[["path", "processor", "reason", "flags"]].itertuples(index=False, name=None))
    rows = []
    for path, processor, reason, flags in those:
        if reason:
            rows.append(
                (session, rules.UNREADABLE, "quarantine", path, reason, f"a file that {processor} can read whole", reason)
            )
        for flag in flags:
            rule = _RULES[flag]
            says = _SAYS[flag]
            rows.append((session, rule, "warning", path, flag, says, f"{path}: {rule}: {says}"))
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS), dtype="string")


_SAYS = {
    COPIED: "of no format that a processor knows; copied as it is",
    GAPS: "a signal stops and goes on later; its facts list where",
    CLIPPED: "a signal rests at the limits of its recorder; its facts count the samples",
}
