"""Processes of a local stack: found by what they carry, whoever their parent is by now, and ended.

A process belongs to a home's stack if it was started with the mark in its environment, if it holds the home's life file open, or
if it is in the process session of a part. The first finds the programs that tasks start, the second Airflow's forks: their titles
overwrite the memory of the first. The third finds forks that have closed themselves to inspection, as Airflow's workers do:
who is not root sees neither their environment nor their files.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Collection
from pathlib import Path

import psutil

from assay.orchestration.environment import MARK, airflow_home

_CLOCK_SECONDS = 5.0
"""By how much the time of a note and the kernel's time of a start may differ."""


def life_file(home: Path) -> Path:
    """The file that every fork of a home's stack holds open."""
    return airflow_home(home) / "life"


def note_part(home: Path, pid: int) -> None:
    """Remember a part that leads a process session of its own, until `forget_parts`."""
    with _parts_file(home).open("a", encoding="ascii") as file:
        file.write(f"{pid} {time.time():.0f}\n")


def forget_parts(home: Path) -> None:
    """Nothing of the parts that were noted runs any more."""
    _parts_file(home).unlink(missing_ok=True)


def members(home: Path, *, but: Collection[int] = ()) -> list[psutil.Process]:
    """Every running process of a home's stack that we may see, except ourselves and the given ids."""
    mark, file, parts, here = str(home), life_file(home), _noted_parts(home), psutil.Process()
    found = []
    for process in psutil.process_iter():
        if process.pid in but or process == here:
            continue
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if _is_of(process, parts) or _carries(process, mark) or _holds(process, file):
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


def _parts_file(home: Path) -> Path:
    return airflow_home(home) / "parts"


def _noted_parts(home: Path) -> dict[int, float]:
    try:
        lines = _parts_file(home).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return {}
    return {int(words[0]): float(words[1]) for line in lines if len(words := line.split()) == 2}


def _is_of(process: psutil.Process, parts: dict[int, float]) -> bool:
    """Ours by user, session and title, and not of a later session: numbers come again."""
    with contextlib.suppress(ProcessLookupError):
        session = os.getsid(process.pid)
        if session not in parts or process.uids().real != os.getuid():
            return False
        if not "".join(process.cmdline()[:1]).startswith("airflow") or process.create_time() < parts[session] - _CLOCK_SECONDS:
            return False
        try:
            return bool(psutil.Process(session).create_time() < parts[session] + _CLOCK_SECONDS)
        except psutil.NoSuchProcess:  # who began the session has ended
            return True
    return False


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
