"""Processes of a local stack: found by what they carry, whoever their parent is by now, and ended.

A process belongs to a home's stack if it was started with the mark in its environment, or if it holds the home's life file open.
The first finds the programs that tasks start, the second Airflow's forks: their titles overwrite the memory of the first.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection
from pathlib import Path

import psutil

from assay.orchestration.environment import MARK, airflow_home


def life_file(home: Path) -> Path:
    """The file that every fork of a home's stack holds open."""
    return airflow_home(home) / "life"


def members(home: Path, *, but: Collection[int] = ()) -> list[psutil.Process]:
    """Every running process of a home's stack that we may see, except ourselves and the given ids."""
    mark, file, here = str(home), life_file(home), psutil.Process()
    found = []
    for process in psutil.process_iter():
        if process.pid in but or process == here:
            continue
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (_carries(process, mark) or _holds(process, file)):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, PermissionError):
            continue  # it ended while we looked, or is another user's and so not ours
    return found


def end(processes: Collection[psutil.Process], *, grace: float = 2.0) -> int:
    """SIGTERM, then SIGKILL to what is left after `grace` seconds; give how many there were."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    return len(processes)


def _carries(process: psutil.Process, mark: str) -> bool:
    return bool(process.environ().get(MARK) == mark)


def _holds(process: psutil.Process, file: Path) -> bool:
    if not sys.platform.startswith("linux"):
        return any(opened.path == str(file) for opened in process.open_files())
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():  # psutil's open_files reads far more for each process
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if descriptor.readlink() == file:
                return True
    return False
