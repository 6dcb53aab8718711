"""Files that answer a question, into a folder: several at once, resumed where they were cut, checked against their SHA-256."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.fetch.pages import pages
from assay.session import hash_file, is_safe_path
from assay.ship.api import Api
from assay.ship.problems import Unsent

_ATTEMPTS = 5


@dataclass(frozen=True)
class Fetched:
    """How many files were fetched, and were there already, with their bytes."""

    fetched: int
    there: int
    bytes: int


def fetch_files(
    api: Api, query: str, folder: Path, *, raw: bool = False, at_once: int = 4, tick: Callable[[int], None] = lambda count: None
) -> Fetched:
    """Bring the files of the sessions that answer a question below `folder`; run again, it goes on where it was.

    A file has its name only when it is whole and has the stated SHA-256. Raises AssayError when one cannot be had.
    """
    fetched = there = size = 0
    # Signed requests are good for 15 minutes: a page holds what is fetched soon.
    for address, page in pages(api, "files", q=query, limit=min(8 * at_once, 500), what="raw" if raw else "processed"):
        with ThreadPoolExecutor(at_once, thread_name_prefix="assay-fetch") as pool:
            jobs = [pool.submit(_fetch, api, address, row, folder, tick) for row in page]
            for job, row in zip(jobs, page, strict=True):
                new = job.result()
                fetched, there, size = fetched + new, there + (not new), size + row["size"]
    return Fetched(fetched, there, size)


def _fetch(api: Api, address: str, row: dict[str, Any], folder: Path, tick: Callable[[int], None]) -> bool:
    name, size, sha256 = str(row["name"]), int(row["size"]), str(row["sha256"])
    if not is_safe_path(name):
        raise AssayError(
            f"the server names a file {name[:100]!r}; expected a path that stays in the folder. Nothing was written."
        )
    target = folder / name
    if target.is_file() and target.stat().st_size == size and hash_file(target) == sha256:
        tick(size)
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{sha256[:12]}.part")
    request, said = row["request"], ""
    for _ in range(_ATTEMPTS):
        start = part.stat().st_size if part.is_file() else 0
        if start < size or (size == 0 and not part.is_file()):
            try:
                status = api.get(request, part, start, size, tick)
            except Unsent as error:
                said = str(error)
                continue
            if status not in (200, 206):
                said = f"the store answered {status}"
                request = _again(api, address, row)
                continue
        if part.stat().st_size == size and hash_file(part) == sha256:
            part.replace(target)
            return True
        said = "other bytes than stated"
        if part.stat().st_size >= size:
            part.unlink()
    raise AssayError(f"{row['uri']}: not fetched: {said}; {_ATTEMPTS} attempts. What is there is kept, run again.")


def _again(api: Api, address: str, row: dict[str, Any]) -> Any:
    """The same file with a young signed request."""
    found = [each for each in api.ask("GET", address)["files"] if each["uri"] == row["uri"]]
    return found[0]["request"] if found else row["request"]
