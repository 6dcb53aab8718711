"""A folder for what is on its way: copies of raw files, and files that are being made. What a kill left there is removed."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

_LOCK = "lock"


@contextlib.contextmanager
def scratch_folder(home: Path) -> Iterator[Path]:
    """A folder of our own below `home`, gone afterwards. Not in /tmp, which may be memory; a recording may be larger."""
    shelf = home / "scratch"
    shelf.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with _locked(shelf / _LOCK):
            _remove_left(shelf)
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="assay-preprocess-", dir=shelf)))
            held.enter_context(_locked(folder / _LOCK))
        yield folder


def _remove_left(shelf: Path) -> None:
    """Folders whose lock nobody holds: their process is gone, and with it what they were for."""
    for folder in shelf.iterdir():
        if not folder.is_dir():
            continue
        try:
            with _locked(folder / _LOCK, wait=False):
                log.info("%s: left by a run that was killed; removed", folder)
                shutil.rmtree(folder)
        except BlockingIOError:
            continue


@contextlib.contextmanager
def _locked(file: Path, *, wait: bool = True) -> Iterator[None]:
    with file.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
