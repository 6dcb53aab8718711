"""One folder to the server: validate, hash, announce, send what is not there, complete. Run again, it goes on where it was."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from assay import __version__
from assay.recording import Lab, LabSchema, recording_manifest, validate
from assay.recording.manifest import written
from assay.session import Manifest, RawFile
from assay.ship.api import Api, ApiRefused
from assay.ship.hashing import FileChanged, Hashed, hash_file
from assay.ship.journal import Journal
from assay.ship.problems import Refused, Unsent
from assay.ship.throttle import Throttle
from assay.storage.uploads import PART_BYTES, part_sizes

log = logging.getLogger(__name__)

_ASKED_AT_ONCE = 50
_SENDS = 5
"""How often a piece is sent before the folder is put off."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Work:
    """What sending needs. `at_once`: files or parts in flight; `tick` is told of bytes: hashed, or sent."""

    api: Api
    journal: Journal
    lab: Lab
    schema: LabSchema | None
    throttle: Throttle
    at_once: int = 4
    tick: Callable[[str, int], None] = lambda what, count: None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Shipped:
    """A session that is complete on the server."""

    session: str
    size: int
    warnings: tuple[str, ...]


def send_folder(work: Work, folder: Path) -> Shipped:
    """Ship one folder. Raises Refused when a person has to look, Unsent or FileChanged when a later attempt may succeed."""
    validated = validate(folder, work.lab, work.schema)
    if validated.judged is None:
        raise Refused("; ".join(one.message for one in (validated.refused or validated.findings)[:5]))
    hashes = _hashes(work, folder, [file.path for file in validated.files])
    validated = validate(folder, work.lab, work.schema, hashes={path: hashed.sha256 for path, hashed in hashes.items()})
    if validated.judged is None or {file.path for file in validated.files} != set(hashes):
        raise FileChanged(f"{folder}: changed while its hashes were taken")
    files = [RawFile(hashed.path, hashed.size, hashed.sha256) for hashed in hashes.values()]
    manifest = recording_manifest(
        folder.name, work.lab, validated.judged, files, written(validated.files, work.schema), __version__
    )
    warnings = tuple(one.message for one in validated.warnings)
    for message in warnings:
        log.warning("%s: ships with a warning: %s", folder.name, message)
    _deliver(work, folder, manifest, hashes)
    return Shipped(manifest.session, sum(file.size for file in files), warnings)


def _hashes(work: Work, folder: Path, paths: Sequence[str]) -> dict[str, Hashed]:
    known = work.journal.hashed(folder)
    found: dict[str, Hashed] = {}
    for path in paths:
        if work.stop.is_set():
            raise Unsent("stopped")
        hashed = known.get(path)
        if hashed is not None:
            try:
                hashed.check(folder / path)
            except FileChanged:
                hashed = None
        if hashed is None:
            try:
                hashed = hash_file(folder, path, lambda count: work.tick("hashed", count))
            except OSError as error:
                raise Unsent(f"{folder / path}: {error.strerror}") from error
            work.journal.note_hash(folder, hashed)
        found[path] = hashed
    return found


def _deliver(work: Work, folder: Path, manifest: Manifest, hashes: dict[str, Hashed]) -> None:
    standing = work.api.ask("POST", "v1/sessions", {"manifest": json.loads(manifest.to_bytes())})
    if standing["state"] == "complete":
        return
    stored = set(standing["stored"])
    work.tick("sent", sum(hashed.size for path, hashed in hashes.items() if path in stored))
    waiting = [hashed for path, hashed in hashes.items() if path not in stored]
    base = f"v1/sessions/{manifest.session}"
    small = [hashed for hashed in waiting if hashed.size <= PART_BYTES]
    with ThreadPoolExecutor(work.at_once, thread_name_prefix="assay-ship") as pool:
        for batch in _batches(small, _ASKED_AT_ONCE):
            _all(pool, work, [_Small(work, folder, base, hashed, each) for hashed, each in _how(work, base, batch)])
        for hashed in waiting:
            if hashed.size > PART_BYTES:
                _send_large(pool, work, folder, base, hashed)
    for hashed in hashes.values():
        hashed.check(folder / hashed.path)
    work.api.ask("POST", f"{base}/complete")


def _how(work: Work, base: str, batch: Sequence[Hashed]) -> Iterable[tuple[Hashed, dict[str, Any]]]:
    answer = work.api.ask("POST", f"{base}/uploads", {"paths": [hashed.path for hashed in batch]})
    return zip(batch, answer["files"], strict=True)


@dataclass(frozen=True)
class _Small:
    work: Work
    folder: Path
    base: str
    hashed: Hashed
    how: dict[str, Any]

    def __call__(self) -> None:
        def again() -> dict[str, Any] | None:
            ((_, how),) = _how(self.work, self.base, [self.hashed])
            return None if how["how"] == "stored" else how["request"]

        first = None if self.how["how"] == "stored" else self.how["request"]
        if first is None:
            self.work.tick("sent", self.hashed.size)
            return
        _send_piece(self.work, self.folder / self.hashed.path, self.hashed, 0, self.hashed.size, first, again)


def _send_large(pool: ThreadPoolExecutor, work: Work, folder: Path, base: str, hashed: Hashed) -> None:
    """Send the parts that are not there and have the file made out of them; begun anew where the upload was taken back."""
    sizes = part_sizes(hashed.size)
    for last in (False, True):
        ((_, how),) = _how(work, base, [hashed])
        if how["how"] == "stored":
            return
        arrived = {(part["number"], part["sha256"]) for part in how["arrived"]}
        numbers = range(1, len(sizes) + 1) if how["how"] == "parts" else ()  # else all are there, to be assembled
        missing = [n for n in numbers if (n, hashed.parts[n - 1]) not in arrived]
        work.tick("sent", hashed.size - sum(sizes[n - 1] for n in missing))
        for batch in _batches(missing, _ASKED_AT_ONCE):
            asked = [{"number": n, "sha256": hashed.parts[n - 1]} for n in batch]
            answer = work.api.ask("POST", f"{base}/parts", {"path": hashed.path, "parts": asked})
            _all(pool, work, [_Part(work, folder, base, hashed, sizes, each) for each in answer["parts"]])
        try:
            work.api.ask("POST", f"{base}/assemble", {"path": hashed.path, "parts": list(hashed.parts)})
        except ApiRefused as error:
            if last or error.kind not in ("parts-missing", "upload-gone"):
                raise
            log.info("%s: %s", hashed.path, error)
            work.tick("sent", -hashed.size)
        else:
            return


@dataclass(frozen=True)
class _Part:
    work: Work
    folder: Path
    base: str
    hashed: Hashed
    sizes: Sequence[int]
    how: dict[str, Any]

    def __call__(self) -> None:
        number = int(self.how["number"])

        def again() -> dict[str, Any]:
            asked = {"path": self.hashed.path, "parts": [{"number": number, "sha256": self.hashed.parts[number - 1]}]}
            answer = self.work.api.ask("POST", f"{self.base}/parts", asked)
            found: dict[str, Any] = answer["parts"][0]["request"]
            return found

        start, size = (number - 1) * self.sizes[0], self.sizes[number - 1]
        _send_piece(self.work, self.folder / self.hashed.path, self.hashed, start, size, self.how["request"], again)


def _send_piece(
    work: Work,
    file: Path,
    hashed: Hashed,
    start: int,
    size: int,
    request: dict[str, Any] | None,
    again: Callable[[], dict[str, Any] | None],
) -> None:
    """Send a piece of a file, again with a new signed request where the old one did not work."""
    said = ""
    for attempt in range(_SENDS):
        if work.stop.is_set():
            raise Unsent("stopped")
        if attempt:
            work.stop.wait(min(0.5 * 2**attempt, 15.0))
            request = again()
        if request is None:
            return
        hashed.check(file)
        sent = 0

        def passing(count: int) -> None:
            nonlocal sent
            if work.stop.is_set():
                raise Unsent("stopped")
            work.throttle.pass_bytes(count)
            sent += count
            work.tick("sent", count)

        try:
            status = work.api.put(request, file, start, size, passing)
        except Unsent as error:
            said = str(error)
        else:
            # 412: it is there already, from an attempt whose answer was lost; the server checks what it is when it completes.
            if status == 412 or 200 <= status < 300:
                return
            said = f"the store answered {status}"
            hashed.check(file)
        work.tick("sent", -sent)
        log.info("%s at byte %d: %s; attempt %d of %d", file.name, start, said, attempt + 1, _SENDS)
    raise Unsent(f"{file} at byte {start}: {said}; {_SENDS} attempts")


def _all(pool: ThreadPoolExecutor, work: Work, jobs: Sequence[Callable[[], None]]) -> None:
    """Run jobs, `at_once` at a time; the first failure keeps the others from starting."""
    waiting, running = iter(jobs), set[Future[None]]()
    try:
        while True:
            for job in islice(waiting, work.at_once - len(running)):
                running.add(pool.submit(job))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
    finally:
        wait(running)


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
