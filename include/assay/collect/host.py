"""Measure this host: run the agent on it, store the session, enter it into the ledger.

The agent writes into a folder below the settings' `home`. A folder that a killed run left is stored by the next call if its
manifest is there, and removed if not: the manifest is written last, so without it the session never happened.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.agent.label import host_label
from assay.agent.package import build_zipapp
from assay.errors import AssayError, DatasetConflict, ManifestError, StorageError
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, hash_folder, raw_prefix
from assay.storage import store_session
from assay.workspace import Workspace

__all__ = ["host_label", "measure_host"]

FOLDER = "agent"
ZIPAPP, CACHE, SESSIONS, LOCK = "agent.pyz", "cache", "sessions", "measuring.lock"
SPACE_NEEDED = 512 * 1024 * 1024
"""Bytes: the compiler's own cache is the largest part, where the compiler is zig."""

GRACE_S = 10.0
_LOCK_POLL_S = 0.5
_LAST_WORDS = 2_000

Progress = Callable[[Mapping[str, Any]], None]

log = logging.getLogger(__name__)


def measure_host(workspace: Workspace, *, executions: int | None = None, progress: Progress | None = None) -> str:
    """Measure one session on this host and give its id; it is in raw storage and in the ledger then.

    `executions`: runs of every tool (default: the settings' `host_executions`). `progress` is called with every event that the
    agent reports: `event`, `tool`, `threads`, `execution`, `state`, `step` of `steps`, `elapsed_s` and more. Sessions of one host
    run one at a time; a second call waits. Whatever ends this call ends the agent and every program that it runs.
    Raises AssayError with what to do when the agent fails, StorageError when the disk is full.
    """
    home = workspace.settings.home / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(home / LOCK):
        _finish_interrupted(workspace, home / SESSIONS)
        _require_space(home)
        build_zipapp(home / ZIPAPP)
        folder = Path(tempfile.mkdtemp(prefix="session-", dir=_made(home / SESSIONS)))
        try:
            _run_agent(_command(workspace, home, folder / "raw", executions), progress)
            return _keep(workspace, folder / "raw")
        finally:
            # What was measured and could not be stored stays for the next call.
            if not (folder / "raw" / MANIFEST_NAME).is_file():
                shutil.rmtree(folder, ignore_errors=True)


def _command(workspace: Workspace, home: Path, out: Path, executions: int | None) -> list[str]:
    settings = workspace.settings
    return [
        *(sys.executable, str(home / ZIPAPP), "run"),
        *("--out", str(out), "--cache", str(home / CACHE)),
        *("--subject", host_label(settings.home)),
        *("--executions", str(settings.host_executions if executions is None else executions)),
        *("--tool-seconds", str(settings.tool_seconds)),
        *("--dataset", workspace.dataset, "--licence", settings.licence, "--attribution", settings.attribution),
        *("--json-progress", "--stop-with-parent", str(os.getpid())),
    ]


def _run_agent(command: list[str], progress: Progress | None) -> None:
    """Run it to its end and pass its events on. Raises AssayError with its last words if it fails."""
    with tempfile.TemporaryFile() as complaints:
        agent = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, text=True, start_new_session=True
        )
        try:
            assert agent.stdout is not None
            for line in agent.stdout:
                event = _event(line)
                _log_event(event)
                if progress is not None:
                    progress(event)
            agent.wait()
        finally:
            _end(agent)
        if agent.returncode != 0:
            complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - _LAST_WORDS))
            said = complaints.read().decode("utf-8", "replace").strip() or "it said nothing"
            raise AssayError(f"the agent ended with exit code {agent.returncode}: {said}. Nothing was stored; run again.")


def _end(agent: subprocess.Popen[str]) -> None:
    """Stop the agent, which stops its tools; and if it does not, the kernel stops them with it."""
    if agent.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(agent.pid, signal.SIGTERM)
        try:
            agent.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(agent.pid, signal.SIGKILL)
            agent.wait()
    if agent.stdout is not None:
        agent.stdout.close()


def _keep(workspace: Workspace, raw: Path) -> str:
    """Store the session that lies complete in the folder `raw`, register it, and remove its folder."""
    manifest = _manifest(raw)
    store_session(workspace.storage, raw, manifest)
    prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
    stored = workspace.storage.read(prefix + MANIFEST_NAME, limit=MAX_MANIFEST_BYTES)
    workspace.ledger.register(manifest, hashlib.sha256(stored).hexdigest(), prefix)
    shutil.rmtree(raw.parent, ignore_errors=True)
    size = sum(file.size for file in manifest.files) / 1000
    log.info("session %s: stored %d files (%.0f kB) of %s", manifest.session, len(manifest.files), size, manifest.subject)
    return manifest.session


def _manifest(raw: Path) -> Manifest:
    """The manifest of a session's folder. Raises ManifestError if it is not there or is none."""
    path = raw / MANIFEST_NAME
    if not path.is_file():
        raise ManifestError(f"{path}: not there; expected the agent to write it last. Nothing was stored; run again.")
    return Manifest.parse(path.read_bytes(), str(path))


def _finish_interrupted(workspace: Workspace, sessions: Path) -> None:
    """What killed runs left: a complete session is stored, anything else removed."""
    for folder in sorted(sessions.iterdir()) if sessions.is_dir() else ():
        raw = folder / "raw"
        try:
            manifest = _manifest(raw)
            whole = manifest.files == hash_folder(raw) and manifest.dataset == workspace.dataset
        except (OSError, ManifestError):
            log.warning("%s: left by a run that was killed, without a manifest: removed", folder.name)
            shutil.rmtree(folder, ignore_errors=True)
            continue
        if whole:
            log.info("%s: left complete by a run that was killed: stored now", folder.name)
            try:
                _keep(workspace, raw)
            except DatasetConflict as error:
                log.warning("%s: kept where it is: %s", folder.name, error)
        elif manifest.dataset == workspace.dataset:
            log.warning("%s: left by a run that was killed, its files are not those of its manifest: removed", folder.name)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the lock of this host's measurements; two at once would measure each other. A process that dies lets go of it."""
    with path.open("w") as lock:
        said = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said:
                    log.info("another session is being measured on this host; this one waits for it")
                said = True
                time.sleep(_LOCK_POLL_S)
        yield


def _require_space(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < SPACE_NEEDED:
        raise StorageError(
            f"{home}: {free / 2**20:.0f} MiB free; measuring needs {SPACE_NEEDED / 2**20:.0f} MiB for builds and outputs. "
            "Free some space, or set ASSAY_HOME to a folder on another disk."
        )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _event(line: str) -> Mapping[str, Any]:
    """An event as the agent prints it; a line that is none, as a library may print, is passed on as it is."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    return event if isinstance(event, dict) and "event" in event else {"event": "output", "text": line.rstrip("\n")}


def _log_event(event: Mapping[str, Any]) -> None:
    if event["event"] == "output":
        log.info("agent: %s", event["text"])
    elif event["event"] == "execution":
        took = f" in {event['seconds']:.1f} s" if "seconds" in event else ""
        why = f": {event['error']}" if event.get("error") else ""
        log.log(
            logging.WARNING if why else logging.INFO,
            "%s: step %d of %d: %s (threads %s), execution %d of %d: %s%s%s",
            *(event["subject"], event["step"], event["steps"], event["tool"], event["threads"]),
            *(event["execution"], event["executions"], event["state"], took, why),
        )
