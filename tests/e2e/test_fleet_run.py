"""`assay run-fleet` as a person runs it: six emulated machines by a real scheduler, and nothing left however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from assay.orchestration import leftovers
from assay.orchestration.environment import process_environment
from assay.orchestration.fleet_run import TYPES
from assay.settings import Settings
from watched import postgres

pytestmark = [pytest.mark.full, pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(1800)]


@pytest.fixture
def home(server_home: Path) -> Path:
    """A home for the command, whose state is below `fleet/`."""
    return server_home / "run-fleet"


def run_fleet(home: Path) -> subprocess.Popen[str]:
    environment = process_environment(os.environ, Settings(home=home))
    del environment["ASSAY_STACK"]  # it is the one that starts the stack, not a part of it
    return subprocess.Popen(
        [sys.executable, "-m", "assay.cli", "run-fleet"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def machines_of(home: Path) -> list[psutil.Process]:
    """Processes that run a machine's user data."""
    return [found for found in psutil.process_iter(["cwd"]) if str(home) in str(found.info["cwd"])]


def nothing_left(home: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not leftovers.members(home / "fleet") and not postgres(home / "fleet") and not machines_of(home):
            return True
        time.sleep(0.5)
    return False


def test_three_families_of_two_types_each_are_measured_and_nothing_is_left(home: Path) -> None:
    process = run_fleet(home)
    printed, _ = process.communicate(timeout=1500)
    assert process.returncode == 0, printed[-6000:]
    assert printed.splitlines()[-1] == "left: 0 instances, 0 volumes, 0 spot requests"
    rows = re.findall(r"^ *(\S+\.x?large) +stored +(\S+) +(host-[0-9a-f]{8}) +accepted", printed, re.MULTILINE)
    assert [row[0] for row in rows] == list(TYPES), printed[-6000:]
    assert len({row[1] for row in rows}) == len(TYPES), "a session each"
    raw = list((home / "fleet" / "storage" / "raw").rglob("manifest.json"))
    assert len(raw) == len(TYPES), "the results are where it says"
    assert nothing_left(home, 30)


def test_ctrl_c_leaves_no_process(home: Path) -> None:
    process = run_fleet(home)
    assert process.stdout is not None
    for line in process.stdout:
        if ": booted" in line or ": running stream" in line:
            break
    assert machines_of(home), "a machine is measuring itself"
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "interrupted" in printed
    assert nothing_left(home, 60)
