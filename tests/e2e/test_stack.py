"""The local Airflow as processes: what listens where, and that nothing is left, however it ends."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from assay.errors import AssayError
from assay.orchestration import leftovers
from assay.orchestration.environment import process_environment
from assay.orchestration.ports import choose_ports
from assay.orchestration.stack import DAGS, LocalStack, StackFailed
from assay.settings import Settings, project_root
from watched import postgres

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(600)]

UP = "from assay.orchestration.pipeline import serve_ui\nfrom assay.settings import Settings\nserve_ui(Settings())"


@contextlib.contextmanager
def up(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`assay up` in a process of its own; gives it and the URL that it printed."""
    environment = process_environment(os.environ, settings)
    del environment["ASSAY_STACK"]  # it is the one that starts the stack, not a part of it
    with subprocess.Popen([sys.executable, "-c", UP], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = ""
        try:
            for line in process.stdout:
                printed += line
                if url := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield process, url[0]
                    break
            else:
                raise AssertionError(f"no URL was printed:\n{printed}")
        finally:
            if process.poll() is None:
                process.kill()  # also where the test failed: leaving the block waits for it


def nothing_left(settings: Settings, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not leftovers.members(settings.home) and not postgres(settings.home):
            return True
        time.sleep(0.2)
    return False


def connections(process: psutil.Process) -> list[Any]:
    """Those of a process; of one that has ended meanwhile there are none, and Linux refuses them to an ordinary user."""
    try:
        return process.net_connections("tcp")
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return []


def test_up_opens_a_ui_without_a_login_for_this_machine_only_and_ctrl_c_leaves_nothing(settings: Settings) -> None:
    with up(settings) as (process, url):
        page = httpx.get(url, follow_redirects=True)
        assert page.status_code == 200
        assert "<title>" in page.text
        token = httpx.get(f"{url}/auth/token").json()["access_token"]
        found = httpx.get(f"{url}/api/v2/dags", headers={"Authorization": f"Bearer {token}"}).json()
        assert {dag["dag_id"] for dag in found["dags"]} == set(DAGS)
        assert not any(dag["is_paused"] for dag in found["dags"])
        addresses = {
            (connection.laddr.ip, process.pid)
            for process in leftovers.members(settings.home)
            for connection in connections(process)
            if connection.status == psutil.CONN_LISTEN
        }
        assert {ip for ip, _ in addresses} == {"127.0.0.1"}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert nothing_left(settings, 1)


@pytest.mark.full
def test_a_killed_command_leaves_nothing_for_long_and_the_next_one_starts(settings: Settings) -> None:
    with up(settings) as (process, _):
        with pytest.raises(AssayError, match="`assay up`"), LocalStack(settings):
            pass
        process.kill()
        process.wait()
    # A second one does not have to wait until all is down: it waits itself.
    with LocalStack(settings) as stack:
        assert leftovers.members(settings.home)
        # Now the supervisor itself dies, which would have to take everything down.
        supervisor = next(p for p in leftovers.members(settings.home) if "assay.orchestration.supervisor" in p.cmdline())
        supervisor.kill()
        time.sleep(1)
        with pytest.raises(StackFailed, match=r"supervisor ended \(killed by signal 9\)"):
            stack.check()
    assert leftovers.members(settings.home) == []


@pytest.mark.full
def test_a_dag_that_cannot_be_read_is_told_with_its_traceback(make_settings: Callable[[], Settings], tmp_path: Path) -> None:
    settings = make_settings()
    checkout = _copy_of_the_checkout(tmp_path)
    broken = checkout / "dags" / "process_sessions.py"
    broken.write_text(broken.read_text() + "\nraise RuntimeError('broken on purpose')\n")
    start = (
        "from assay.orchestration.stack import LocalStack\nfrom assay.settings import Settings\n"
        "with LocalStack(Settings()):\n    pass"
    )
    environment = process_environment(os.environ, settings) | {"PYTHONPATH": str(checkout / "include")}
    del environment["ASSAY_STACK"]
    done = subprocess.run(
        [sys.executable, "-c", start], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 1
    assert "cannot read the DAG files" in done.stderr
    assert "broken on purpose" in done.stderr
    assert nothing_left(settings, 1)


def _copy_of_the_checkout(folder: Path) -> Path:
    """A checkout whose DAGs may be changed."""
    root = project_root()
    checkout = folder / "checkout"
    checkout.mkdir()
    shutil.copytree(root / "include" / "assay", checkout / "include" / "assay")
    for name in ("dags", "plugins"):
        shutil.copytree(root / name, checkout / name)
    shutil.copy(root / "pyproject.toml", checkout)
    return checkout


def test_a_taken_port_is_not_fought_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        preferred = taken.getsockname()[1]
        ports = choose_ports(preferred)
        assert preferred not in (ports.api, ports.logs)
    assert choose_ports(preferred).api == preferred


@pytest.mark.full
def test_two_homes_run_side_by_side(make_settings: Callable[[], Settings]) -> None:
    with LocalStack(make_settings()) as one, LocalStack(make_settings()) as other:
        assert one.url != other.url
        one.check()
        other.check()
        assert set(one.api.parse_times()) == set(other.api.parse_times())
