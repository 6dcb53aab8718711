"""This host measures itself into the ledger, one session at a time; whatever interrupts it loses nothing and leaves nothing."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from assay.agent.label import host_label
from assay.collect import host
from assay.collect.host import measure_host
from assay.errors import AssayError, StorageError
from assay.read.sessions import load, read_verified
from assay.session import Manifest
from assay.settings import Settings
from assay.workspace import Workspace

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings with everything in the test's own folder and database, and the smallest time a tool may have."""
    return Settings(home=tmp_path / "home", database_url=database_url, tool_seconds=1)  # type: ignore[arg-type]


@pytest.fixture
def sessions_folder(workspace: Workspace) -> Path:
    folder = workspace.settings.home / host.FOLDER / host.SESSIONS
    folder.mkdir(parents=True)
    return folder


def _leftover(folder: Path, **changes: Callable[[Path], object]) -> Path:
    """A complete session as a killed run leaves it."""
    raw = folder / "session-left" / "raw"
    shutil.copytree(DATA / "assay_agent/session", raw)
    for change in changes.values():
        change(raw)
    return raw


def _toy_agent(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Run a script in place of the agent; `out` is the folder of the session."""
    text = f"import json, os, sys, time\nout = sys.argv[1]\n{script}\n"

    def command(workspace: Workspace, home: Path, out: Path, executions: int | None) -> list[str]:
        return [sys.executable, "-c", text, str(out)]

    monkeypatch.setattr(host, "_command", command)


def _copy_session(source: Path = DATA / "assay_agent/session") -> str:
    return f"import shutil; shutil.copytree({str(source)!r}, out)"


def test_a_session_of_this_host_goes_all_the_way_to_rows(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    events: list[Mapping[str, Any]] = []
    session = measure_host(workspace, executions=1, progress=events.append)
    row = workspace.ledger.sessions().iloc[0]
    assert (row["session"], row["state"], row["source"]) == (session, "arrived", "assay-agent")
    assert row["subject"] == host_label(workspace.settings.home)
    assert row["licence"] == "CC BY 4.0"
    stored = {found.key.removeprefix(row["prefix"]) for found in workspace.storage.list("raw")}
    assert "manifest.json" in stored
    assert stored - {"manifest.json"} == set(workspace.ledger.raw_files([session])["path"])
    assert [event["event"] for event in (events[0], events[-1])] == ["profile", "session"]
    assert {event["state"] for event in events if event["event"] == "execution"} <= {"started", "finished"}
    assert not list((workspace.settings.home / host.FOLDER / host.SESSIONS).iterdir())
    workspace.ledger.mark_verified([session])
    assert read_verified(workspace) == [session]
    measurements, executions = load(workspace, workspace.ledger.sessions())
    assert {"stream", "hpl", "cache_latency", "core_clock", "vectorization", "stream_cache"} <= set(measurements["benchmark"])
    assert set(executions["status"]) == {"finished"}
    assert workspace.ledger.findings().empty
    steps = len(executions)
    assert f"step 1 of {steps}: cache_bandwidth (threads one), execution 1 of 1: finished" in caplog.text


def test_measuring_again_gives_another_session_with_the_builds_of_the_first(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = host._command
    monkeypatch.setattr(host, "_command", lambda *given: [*whole(*given), "--tools", "core_clock"])
    first = measure_host(workspace, executions=1)
    cache = workspace.settings.home / host.FOLDER / host.CACHE
    built = {path.name: path.stat().st_mtime_ns for path in cache.iterdir() if path.is_file()}
    assert len(built) == 1
    second = measure_host(workspace, executions=1)
    assert first != second
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir() if path.is_file()} == built
    assert set(workspace.ledger.sessions()["session"]) == {first, second}


def test_a_complete_session_that_a_killed_run_left_is_stored_by_the_next_call(
    workspace: Workspace, sessions_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _leftover(sessions_folder)
    _toy_agent(monkeypatch, "sys.exit(5)")
    with pytest.raises(AssayError, match=r"exit code 5"):
        measure_host(workspace)
    manifest = Manifest.parse((DATA / "assay_agent/session/manifest.json").read_bytes())
    assert list(workspace.ledger.sessions()["session"]) == [manifest.session]
    assert not list(sessions_folder.iterdir())


def test_a_session_that_was_stored_and_not_registered_before_the_kill_is_registered_once(
    workspace: Workspace, sessions_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        _leftover(sessions_folder)
        _toy_agent(monkeypatch, "sys.exit(5)")
        with pytest.raises(AssayError):
            measure_host(workspace)
    assert len(workspace.ledger.sessions()) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: (raw / "manifest.json").unlink(),
        lambda raw: (raw / "manifest.json").write_bytes(b'{"manifest_version": 1'),
        lambda raw: (raw / "stream-all/1/stdout.txt").write_text("changed"),
        lambda raw: (raw / "stream-all/1/stdout.txt").unlink(),
        lambda raw: (raw / "more.txt").write_text("more"),
    ],
    ids=["no manifest", "half a manifest", "changed file", "lost file", "another file"],
)
def test_an_incomplete_session_that_a_killed_run_left_is_removed_with_a_log_line(
    workspace: Workspace,
    sessions_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Path], object],
) -> None:
    _leftover(sessions_folder, change=change)
    _toy_agent(monkeypatch, "sys.exit(5)")
    with pytest.raises(AssayError):
        measure_host(workspace)
    assert workspace.ledger.sessions().empty
    assert not list(sessions_folder.iterdir())
    assert "session-left: left by a run that was killed" in caplog.text


def test_what_was_measured_and_could_not_be_stored_is_stored_by_the_next_call(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _toy_agent(monkeypatch, _copy_session())
    (workspace.settings.home / "storage").mkdir(parents=True, exist_ok=True)
    (workspace.settings.home / "storage" / "raw").write_text("in the way")
    with pytest.raises((AssayError, OSError)):
        measure_host(workspace)
    (workspace.settings.home / "storage" / "raw").unlink()
    _toy_agent(monkeypatch, "sys.exit(5)")
    with pytest.raises(AssayError):
        measure_host(workspace)
    assert len(workspace.ledger.sessions()) == 1


def test_an_agent_that_fails_is_reported_with_its_last_words_and_leaves_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    _toy_agent(monkeypatch, "os.makedirs(out); print('out of ideas', file=sys.stderr); sys.exit(9)")
    with pytest.raises(AssayError, match=r"exit code 9: out of ideas.*run again"):
        measure_host(workspace)
    assert not list((workspace.settings.home / host.FOLDER / host.SESSIONS).iterdir())
    assert workspace.ledger.sessions().empty


def test_an_agent_that_ends_without_a_manifest_is_an_error(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    _toy_agent(monkeypatch, "os.makedirs(out)")
    with pytest.raises(AssayError, match=r"manifest\.json"):
        measure_host(workspace)
    assert not list((workspace.settings.home / host.FOLDER / host.SESSIONS).iterdir())


def test_lines_that_are_no_events_are_passed_on_and_logged(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _toy_agent(monkeypatch, f"print('hello'); print('[1]'); {_copy_session()}")
    events: list[Mapping[str, Any]] = []
    measure_host(workspace, progress=events.append)
    assert events == [{"event": "output", "text": "hello"}, {"event": "output", "text": "[1]"}]
    assert "agent: hello" in caplog.text


def test_a_full_disk_is_said_before_anything_runs(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SPACE_NEEDED", 1 << 60)
    with pytest.raises(StorageError, match=r"MiB free; measuring needs .* ASSAY_HOME"):
        measure_host(workspace)
    assert workspace.ledger.sessions().empty


def _gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _processes_below(process: int) -> set[int]:
    """The ids of every process that this one started, directly or not."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    below: set[int] = set()
    while found := {child for child, parent in parents.items() if parent in below | {process}} - below:
        below |= found
    return below


def test_an_interrupt_ends_the_agent_and_its_tools(workspace: Workspace) -> None:
    seen: set[int] = set()

    def interrupt(event: Mapping[str, Any]) -> None:
        if event.get("state") == "started" and event.get("tool") == "hpl":
            _wait_for(lambda: len(_processes_below(os.getpid())) >= 2)
            seen.update(_processes_below(os.getpid()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_host(workspace, executions=1, progress=interrupt)
    commands = {process for process in seen if not _gone(process)} & _processes_below(os.getpid())
    assert not commands
    assert workspace.ledger.sessions().empty
    assert not list((workspace.settings.home / host.FOLDER / host.SESSIONS).iterdir())


def test_killed_without_warning_its_agent_ends_and_the_next_call_cleans_up(
    workspace: Workspace, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "from assay.collect.host import measure_host\n"
        "from assay.workspace import open_workspace\n"
        "with open_workspace() as workspace:\n"
        "    measure_host(workspace, progress=lambda event: print(event, flush=True))\n"
    )
    home = workspace.settings.home
    environment = {**os.environ, "ASSAY_HOME": str(home), "ASSAY_DATABASE_URL": database_url, "ASSAY_TOOL_SECONDS": "1"}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "started" not in process.stdout.readline():
        assert process.poll() is None
    below = _processes_below(process.pid)
    assert below
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    _wait_for(lambda: all(_gone(child) for child in below))
    assert list((home / host.FOLDER / host.SESSIONS).iterdir())
    _toy_agent(monkeypatch, _copy_session())
    measure_host(workspace)
    assert not list((home / host.FOLDER / host.SESSIONS).iterdir())
    assert len(workspace.ledger.sessions()) == 1


def test_a_second_measurement_waits_until_the_first_is_done(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _toy_agent(monkeypatch, _copy_session())
    home = workspace.settings.home / host.FOLDER
    home.mkdir(parents=True)
    done: list[str] = []
    waiting = threading.Thread(target=lambda: done.append(measure_host(workspace)))
    with (home / host.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting.start()
        _wait_for(lambda: "this one waits" in caplog.text)
        assert not done
    waiting.join(60)
    assert len(done) == 1


def test_the_agent_gets_the_settings(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    command = host._command(workspace, Path("/x"), Path("/x/out"), None)
    given = dict(zip(command[3::2], command[4::2], strict=False))
    assert given["--executions"] == str(workspace.settings.host_executions)
    assert given["--tool-seconds"] == str(workspace.settings.tool_seconds)
    assert given["--dataset"] == "default"
    assert given["--licence"] == workspace.settings.licence
    assert json.dumps(command)
