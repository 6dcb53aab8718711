"""Looks for complete folders and ships them, one after the other; remembers what came of each and when to try again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError, SchemaMismatch
from assay.ship.find import Found, find_folders
from assay.ship.hashing import FileChanged
from assay.ship.journal import Entry, FolderState
from assay.ship.problems import Refused, Unsent
from assay.ship.send import Work, send_folder

log = logging.getLogger(__name__)

FIRST_RETRY_S, LONGEST_RETRY_S = 10.0, 600.0
FATAL_RETRY_S = 3600.0
"""What a person has to look at is tried again once an hour: the person may have looked."""
_MESSAGE_CHARS = 1_500


@dataclass(frozen=True)
class Rules:
    """Which folders are complete: `quiet_seconds` without a change, or a file named `marker` in them."""

    directory: Path
    quiet_seconds: float = 300.0
    marker: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one look at the directory did: names of folders that were shipped, failed for good, or are put off."""

    shipped: tuple[str, ...]
    failed: tuple[str, ...]
    put_off: tuple[str, ...]


def ship_once(
    work: Work, rules: Rules, *, due_only: bool = False, doing: Callable[[Found], None] = lambda found: None
) -> Outcome:
    """Ship every complete folder that is not shipped yet. `due_only`: leave those whose next attempt is later.

    Raises AssayError when the directory cannot be read.
    """
    try:
        found = find_folders(rules.directory, rules.marker)
    except OSError as error:
        raise AssayError(
            f"{rules.directory}: {error.strerror}; expected the folder that the recordings' folders lie in"
        ) from error
    known = {entry.folder: entry for entry in work.journal.entries()}
    shipped: list[str] = []
    failed: list[str] = []
    put_off: list[str] = []
    for each in found:
        if work.stop.is_set():
            break
        entry = known.get(str(each.folder))
        if not each.is_complete(time.time(), rules.quiet_seconds, rules.marker) or _is_settled(entry, each, due_only):
            continue
        doing(each)
        state = _ship(work, each, entry)
        {FolderState.SHIPPED: shipped, FolderState.RETRYING: put_off}.get(state, failed).append(each.folder.name)
    _report(work)
    return Outcome(tuple(shipped), tuple(failed), tuple(put_off))


def ship_always(
    work: Work, rules: Rules, stop: threading.Event, *, look_every: float = 15.0, **options: Callable[[Found], None]
) -> None:
    """Ship until `stop` is set. What goes wrong with one folder, or with a look, does not end it."""
    while not stop.is_set():
        try:
            ship_once(work, rules, due_only=True, **options)
        except AssayError as error:
            log.error("%s", error)
        stop.wait(look_every)


def _is_settled(entry: Entry | None, found: Found, due_only: bool) -> bool:
    if entry is None or entry.fingerprint != found.fingerprint:
        return False
    return entry.state == FolderState.SHIPPED or (due_only and entry.next_try > time.time())


def _ship(work: Work, found: Found, entry: Entry | None) -> FolderState:
    folder, started = found.folder, time.monotonic()
    again = entry is not None and entry.fingerprint == found.fingerprint
    attempts = entry.attempts if entry is not None and again else 0
    work.journal.begin(folder, found.fingerprint)
    try:
        done = send_folder(work, folder)
    except (Refused, SchemaMismatch) as error:
        log.error("%s: not shipped: %s", folder.name, error)
        state = FolderState.REFUSED if type(error) is Refused else FolderState.FAILED
        work.journal.settle(folder, state, message=str(error)[:_MESSAGE_CHARS], next_try=time.time() + FATAL_RETRY_S)
        return state
    except (Unsent, FileChanged, OSError) as error:
        wait = max(min(FIRST_RETRY_S * 2**attempts, LONGEST_RETRY_S), getattr(error, "wait_seconds", 0.0))
        log.warning("%s: put off for %.0f s: %s", folder.name, wait, error)
        work.journal.settle(folder, FolderState.RETRYING, message=str(error)[:_MESSAGE_CHARS], next_try=time.time() + wait)
        return FolderState.RETRYING
    seconds = time.monotonic() - started
    log.warning("%s: shipped as %s, %.1f MB in %.1f s", folder.name, done.session, done.size / 1e6, seconds)
    work.journal.settle(folder, FolderState.SHIPPED, session=done.session, size=done.size, warnings=done.warnings)
    return FolderState.SHIPPED


def _report(work: Work) -> None:
    """Tell the server of every failure that it does not know; where that fails, the journal keeps it for the next time."""
    for entry in work.journal.entries():
        if entry.state not in (FolderState.REFUSED, FolderState.FAILED) or entry.reported:
            continue
        name = Path(entry.folder).name[:255] or "?"
        try:
            work.api.ask("POST", "v1/failures", {"folder": name, "message": entry.message or "no message"})
        except (Unsent, Refused) as error:
            log.warning("the server could not be told of %s: %s", name, error)
            return
        work.journal.reported(entry.folder)
