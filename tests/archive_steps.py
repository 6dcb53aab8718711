"""From build to clean in a process of its own that is killed before its n-th step that leaves a trace."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assay.archive.clean import clean
from assay.archive.make import archive_published
from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.publish.git import Git
from assay.publish.snapshot import PublishedSnapshot, build_snapshot, commit_snapshot, verify_snapshot
from assay.settings import Settings
from assay.storage import Storage
from assay.storage.local import LocalStorage
from assay.storage.s3 import S3Storage
from assay.workspace import Workspace
from dying import CONTEXT

WRITES = {
    Ledger: ("begin_snapshot", "commit_snapshot", "finish_snapshot", "note_archive", "note_cleaned"),
    LocalStorage: ("write_once", "delete"),
    S3Storage: ("write_once", "delete"),
    Git: ("run",),
}
NEVER_LEAVES = ("rev-parse", "ls-tree", "for-each-ref", "cat-file", "log", "show")


class Countdown:
    """Kills this process before its n-th step."""

    def __init__(self, left: int) -> None:
        self.left = left

    def step(self) -> None:
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def publish_archive_clean(workspace: Workspace) -> PublishedSnapshot:
    """The five tasks of the DAG, with a retention of no day."""
    snapshot = verify_snapshot(workspace, commit_snapshot(workspace, build_snapshot(workspace)))
    archive_published(workspace)
    clean(workspace, days=0)
    return snapshot


def watch(countdown: Countdown) -> None:
    """Count every step of this process that leaves a trace; objects are erased one at a time, each a step."""

    def counted(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def step(*arguments: Any, **options: Any) -> Any:
            if owner is not Git or arguments[1] not in NEVER_LEAVES:
                countdown.step()
            return original(*arguments, **options)

        setattr(owner, name, step)

    for owner, names in WRITES.items():
        for name in names:
            counted(owner, name)
    _erase_one_by_one(LocalStorage, lambda: None)  # there each is a deletion, which is counted
    _erase_one_by_one(S3Storage, countdown.step)


def _erase_one_by_one(store: Any, step: Callable[[], None]) -> None:
    original = store.erase

    def erase(self: Storage, *groups: Sequence[str]) -> None:
        for keys in groups:
            for key in keys:
                step()
                original(self, [key])

    store.erase = erase


def _run(home: Path, database_url: str, storage_url: str | None, environment: dict[str, str], step: int) -> None:
    os.environ.update(environment)
    settings = Settings(home=home, database_url=database_url, storage_url=storage_url)  # type: ignore[arg-type]
    engine = connect(database_url)
    watch(Countdown(step))
    workspace = Workspace(settings, "default", Storage.open(settings.object_storage_url), engine, Ledger(engine, "default"))
    publish_archive_clean(workspace)


def died(settings: Settings, database_url: str, step: int) -> bool:
    """Whether a run was killed before that step; False if it ended before it came to so many."""
    process = CONTEXT.Process(target=_run, args=(settings.home, database_url, settings.storage_url, dict(os.environ), step))
    process.start()
    process.join(180)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0
