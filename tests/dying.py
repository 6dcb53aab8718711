"""A store whose process is killed at one of its steps, and the compaction that dies in it, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.read.compaction import compact
from assay.settings import Settings
from assay.storage.local import LocalStorage
from assay.workspace import Workspace


class Dying(LocalStorage):
    """The local store of a process that is killed at its n-th step: before it, or after it was done and before it is told."""

    def __init__(self, root: Path, step: int, *, after: bool) -> None:
        super().__init__(root)
        self._left, self._after = step, after

    def write(self, key: str, data: bytes) -> None:
        self._die(after=False)
        super().write(key, data)
        self._die(after=True)

    def read_many(self, keys: Iterable[str], *, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        self._die(after=False)
        yield from super().read_many(keys, limit=limit)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._die(after=False)
            super().delete([key])
            self._die(after=True)

    def _die(self, *, after: bool) -> None:
        self._left -= not after
        if self._left <= 0 and after == self._after:
            os.kill(os.getpid(), signal.SIGKILL)


def compact_and_die(home: Path, database_url: str, root: Path, step: int, after: bool) -> None:
    """Compact the dataset `default` until the step."""
    settings = Settings(home=home, database_url=database_url)  # type: ignore[arg-type]
    engine = connect(database_url)
    compact(Workspace(settings, "default", Dying(root, step, after=after), engine, Ledger(engine, "default")))


CONTEXT = multiprocessing.get_context("forkserver")
# Modules of the package, not of the tests: the server that forks does not know the tests' folders.
CONTEXT.set_forkserver_preload(["assay.database.engine", "assay.read.compaction", "assay.workspace"])


def died(home: Path, database_url: str, root: Path, step: int, *, after: bool) -> bool:
    """Whether a compaction was killed at that step; False if it ended before."""
    process = CONTEXT.Process(target=compact_and_die, args=(home, database_url, root, step, after))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0
