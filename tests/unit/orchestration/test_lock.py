"""One Airflow for one home: the second is told who holds it, and a dead holder holds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from assay.errors import AssayError
from assay.orchestration import lock
from assay.orchestration.lock import stack_lock

HOLD = """
import sys
from pathlib import Path
from assay.orchestration.lock import stack_lock
with stack_lock(Path(sys.argv[1]), "assay run"):
    print("held", flush=True)
    sys.stdin.read()
"""

# Hands the lock to a child and is killed: what a killed `assay run` leaves while its supervisor still stops everything.
ORPHAN = """
import subprocess, sys, os, signal
from pathlib import Path
from assay.orchestration.lock import stack_lock
with stack_lock(Path(sys.argv[1]), "assay run") as descriptor:
    subprocess.Popen(["sleep", sys.argv[2]], pass_fds=[descriptor], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print("held", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_on_the_same_home_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        with (
            pytest.raises(AssayError, match=rf"`assay run`, process {first.pid}, since .* set ASSAY_HOME"),
            stack_lock(tmp_path, "x"),
        ):
            pass
        first.communicate("")


def test_two_homes_do_not_disturb_each_other(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    with stack_lock(tmp_path / "a", "one"), stack_lock(tmp_path / "b", "two"):
        pass


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.kill()
        first.communicate()
    with stack_lock(tmp_path, "x"):
        pass


def test_after_a_killed_run_its_processes_are_given_time_to_stop(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ORPHAN, str(tmp_path), "1"], check=False, capture_output=True)
    with stack_lock(tmp_path, "x"):
        pass


def test_processes_that_do_not_stop_are_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0.3)
    subprocess.run([sys.executable, "-c", ORPHAN, str(tmp_path), "3"], check=False, capture_output=True)
    with pytest.raises(AssayError, match="already runs on this home"), stack_lock(tmp_path, "x"):
        pass
