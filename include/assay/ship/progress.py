"""A progress bar where a person is watching; in a pipe, or under systemd, the log says it."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

from assay.ship.find import Found


@contextlib.contextmanager
def progress() -> Iterator[tuple[Callable[[Found], None], Callable[[str, int], None]]]:
    """Gives what is told of the folder that is next, and what is told of bytes (`hashed` or `sent`)."""
    if not sys.stderr.isatty():
        yield (lambda found: None), (lambda what, count: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    lock = threading.Lock()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {what: bar.add_task(what, total=None, visible=False) for what in ("hashed", "sent")}

        def doing(found: Found) -> None:
            total = sum(path.lstat().st_size for path in found.folder.rglob("*") if path.is_file())
            with lock:
                for what, task in tasks.items():
                    bar.reset(task, total=total, description=f"{found.folder.name} {what}", visible=True)

        def tick(what: str, count: int) -> None:
            with lock:
                bar.advance(tasks[what], count)

        yield doing, tick
