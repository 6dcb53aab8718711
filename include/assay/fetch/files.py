"""Files that answer a question, into a folder: several at once, resumed where they were cut, checked against their SHA-256."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.fetch.pages import MOST_ROWS, file_pages
from assay.session import hash_file, is_safe_path
from assay.ship.api import Api
from assay.ship.problems import Unsent

log = logging.getLogger(__name__)

_NAMED = 5
"""Files that a message names."""


@dataclass(frozen=True)
class Fetched:
    """How many files were fetched, and were there already, with their bytes."""

    fetched: int
    there: int
    bytes: int


class _Spoiled(AssayError):
    """One file cannot be had as it was stated; it stops no other."""


class _Stopped(Exception):
    """Whoever asked for the files no longer waits for them."""


def count_files(api: Api, query: str, *, raw: bool = False) -> tuple[int, int]:
    """How many files answer a question, and their bytes. Raises Refused when it cannot be answered."""
    count = size = 0
    for _, page in file_pages(api, query, raw=raw):
        count, size = count + len(page), size + sum(int(row["size"]) for row in page)
    return count, size


def fetch_files(
    api: Api, query: str, folder: Path, *, raw: bool = False, at_once: int = 4, tick: Callable[[int], None] = lambda count: None
) -> Fetched:
    """Bring the files of the sessions that answer a question below `folder`; run again, it goes on where it was.

    A file has its name only when it is whole and has the stated SHA-256. `tick` is told bytes as they come, and those that
    are there. Raises AssayError that names the files which were not had, and at once where none could be (no network, no space).
    """
    fetched = there = size = 0
    failed: list[str] = []
    # Signed requests are good for 15 minutes: a page holds what is fetched soon.
    for address, page in file_pages(api, query, raw=raw, limit=min(8 * at_once, MOST_ROWS)):
        stop = threading.Event()

        def passing(count: int, stop: threading.Event = stop) -> None:
            if stop.is_set():
                raise _Stopped
            tick(count)

        with ThreadPoolExecutor(at_once, thread_name_prefix="assay-fetch") as pool:
            jobs = [pool.submit(_fetch, api, address, row, folder, passing) for row in page]
            try:
                for job, row in zip(jobs, page, strict=True):
                    try:
                        new = job.result()
                    except _Spoiled as error:
                        failed.append(str(error))
                        continue
                    fetched, there, size = fetched + new, there + (not new), size + row["size"]
            finally:  # an error or Ctrl-C: files that are under way are kept as far as they are
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
    if failed:
        others = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        raise AssayError(
            f"not fetched: {len(failed)} of {len(failed) + fetched + there} files: {'; '.join(failed[:_NAMED])}{others}. "
            "The others are in the folder; run it again for these."
        )
    return Fetched(fetched, there, size)


def _fetch(api: Api, address: str, row: dict[str, Any], folder: Path, tick: Callable[[int], None]) -> bool:
    name, size, sha256 = str(row["name"]), int(row["size"]), str(row["sha256"])
    if not is_safe_path(name):
        raise AssayError(
            f"the server names a file {name[:100]!r}; expected a path that stays in the folder. Nothing was written."
        )
    target = folder / name
    try:
        if target.is_file() and target.stat().st_size == size and hash_file(target) == sha256:
            tick(size)
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{sha256[:12]}.part")
        tick(_held(part))
        _complete(api, address, row, part, tick)
        part.replace(target)
    except OSError as error:
        raise AssayError(f"{target}: cannot be written: {error}. What is there is kept; run it again.") from error
    log.info("fetched %s (%.1f MB)", name, size / 1e6)
    return True


def _complete(api: Api, address: str, row: dict[str, Any], part: Path, tick: Callable[[int], None]) -> None:
    """Bring a part to its stated bytes: it goes on as long as some come; failures in a row end it.

    Other bytes than stated are no reason to stop where a part lay there before: it may be what is wrong.
    """
    size, sha256 = int(row["size"]), str(row["sha256"])
    request, kept = row["request"], _held(part) > 0
    unsent = spoiled = 0
    while True:
        before = _held(part)
        try:
            if before < size or not part.is_file():
                status = api.get(request, part, before, size, tick)
                if status not in (200, 206):
                    raise _Spoiled(f"{row['uri']}: the store answered {status}")
            if hash_file(part) == sha256:
                return
            if _held(part) < size:
                raise Unsent(f"{row['uri']}: the answer ended after {_held(part)} of {size} bytes")
            part.unlink()
            if not kept:
                raise _Spoiled(f"{row['uri']}: other bytes than stated")
            kept = False
        except Unsent as error:
            unsent = 1 if _held(part) > before else unsent + 1
            api.pause(unsent, error)
        except _Spoiled as error:
            spoiled += 1
            api.pause(spoiled, error)
            request = _again(api, address, row)


def _held(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _again(api: Api, address: str, row: dict[str, Any]) -> Any:
    """The same file with a young signed request."""
    found = [each for each in api.ask("GET", address)["files"] if each["uri"] == row["uri"]]
    return found[0]["request"] if found else row["request"]
