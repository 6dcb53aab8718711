"""Processes of a stack are found whoever their parent is, and nobody else's are touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from assay.orchestration import leftovers
from assay.orchestration.environment import MARK

# A fork whose title overwrote its environment, as Airflow's do; it holds the life file and its parent is gone.
FORK = """
import os, sys
from setproctitle import setproctitle
life = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
if os.fork() == 0:
    os.setsid()
    setproctitle("airflow worker " * 1000)
    print(os.getpid(), flush=True)
    import time
    time.sleep(60)
os._exit(0)
"""

# The orphan of a part that led a session: it holds nothing and lets nobody look into it.
CLOSED = """
import ctypes, os, sys, time
from setproctitle import setproctitle
os.setsid()
print(os.getpid(), flush=True)
sys.stdin.readline()
if os.fork() == 0:
    setproctitle(sys.argv[1])
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    print(os.getpid(), flush=True)
    time.sleep(60)
os._exit(0)
"""

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "airflow").mkdir()
    return tmp_path


@pytest.fixture
def orphan(home: Path) -> Iterator[int]:
    """A process of the stack that only holds the life file."""
    with subprocess.Popen(
        [sys.executable, "-c", FORK, str(leftovers.life_file(home))], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
    yield pid
    if psutil.pid_exists(pid):
        psutil.Process(pid).kill()


@pytest.fixture
def program(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that a task started: it has the mark and ignores SIGTERM."""
    environment = {**os.environ, MARK: str(home)}
    with subprocess.Popen([sys.executable, "-c", STUBBORN], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_forks_and_programs_are_found(home: Path, orphan: int, program: subprocess.Popen[str]) -> None:
    assert {process.pid for process in leftovers.members(home)} == {orphan, program.pid}


def test_another_home_has_none_of_them(home: Path, orphan: int, program: subprocess.Popen[str]) -> None:
    assert leftovers.members(home / "other") == []


def test_ended_means_gone_also_for_those_that_ignore_sigterm(home: Path, orphan: int, program: subprocess.Popen[str]) -> None:
    assert leftovers.end(leftovers.members(home), grace=0.2) == 2
    assert leftovers.members(home) == []
    assert not psutil.pid_exists(program.pid)


def test_who_looks_is_not_among_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with leftovers.life_file(home).open("w"):
        assert leftovers.members(home) == []


@pytest.mark.parametrize(("title", "found"), [("airflow worker -- LocalExecutor: <idle>", True), ("somebody else's", False)])
def test_a_fork_that_is_closed_to_inspection_is_found_by_its_session(home: Path, title: str, found: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLOSED, title], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        leftovers.note_part(home, int(parent.stdout.readline()))
        parent.stdin.write("go\n")
        parent.stdin.flush()
        orphan = int(parent.stdout.readline())
    try:
        assert [process.pid for process in leftovers.members(home)] == ([orphan] if found else [])
        leftovers.forget_parts(home)
        assert leftovers.members(home) == []
    finally:
        psutil.Process(orphan).kill()
