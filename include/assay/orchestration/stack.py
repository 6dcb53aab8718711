"""A real Airflow on this machine for as long as a context lasts: PostgreSQL, API server, scheduler, DAG processor.

All that the processes need is in the home folder; they listen on 127.0.0.1 only. Nothing of Airflow is imported here.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from assay.errors import AssayError
from assay.orchestration import leftovers
from assay.orchestration.api import AirflowApi, ApiUnavailable
from assay.orchestration.environment import airflow_home, process_environment
from assay.orchestration.lock import stack_lock
from assay.orchestration.ports import choose_ports
from assay.settings import Settings

_START_SECONDS = 300
_STOP_SECONDS = 30
_CONFIG = "# Left empty on purpose: `assay run` and `assay up` give Airflow its configuration in the environment.\n"

DAGS = (
    "benchmark_instances",
    "ingest_recordings",
    "process_sessions",
    "publish_snapshot",
    "reap_instances",
    "reconcile",
    "refresh_prices",
)
"""What the stack waits for before it counts as started."""


class StackFailed(AssayError):
    """The local Airflow did not start, or a part of it died."""


class LocalStack:
    """Starts a local Airflow on entering, stops all of it on leaving.

    `say` is told what happens, in short sentences. `port`: preferred for the UI. `triggerer`: also run what deferred tasks need.
    Entering raises StackFailed, or AssayError if another Airflow runs on this home; afterwards `check` raises StackFailed as soon
    as a part has died. No process outlives it for long, not even if this process is killed: see `supervisor`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        what: str = "assay",
        port: int | None = None,
        triggerer: bool = False,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.settings = settings
        self.folder = airflow_home(settings.home)
        self._what = what
        self._port = port
        self._triggerer = triggerer
        self._say = say
        self._exit = ExitStack()
        self._events: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._failure: str | None = None

    @property
    def url(self) -> str:
        """Where the UI is, once started."""
        return f"http://127.0.0.1:{self._ports.api}"

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = undo.enter_context(stack_lock(self.folder, self._what))
            if count := leftovers.end(leftovers.members(self.settings.home)):
                self._say(f"ended {count} processes that a killed run had left behind")
            config = self.folder / "airflow.cfg"
            if not config.exists():
                config.write_text(_CONFIG, encoding="utf-8")
            self._ports = choose_ports(self._port)
            if self._port not in (None, self._ports.api):
                self._say(f"port {self._port} is taken; using {self._ports.api}")
            undo.callback(self._stop)
            self._supervisor = self._start(lock)
            self.api = AirflowApi(self.url)
            undo.callback(self.api.close)
            self._wait_until_ready(since=time.time())
            self._exit = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._exit.close()

    def check(self) -> None:
        """Raises StackFailed if a part of Airflow has died."""
        while not self._events.empty():
            self._take(self._events.get())
        if self._failure is not None:
            raise StackFailed(self._failure)

    def _start(self, lock: int) -> subprocess.Popen[bytes]:
        self._log = self.folder / "logs" / "components" / "supervisor.log"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        arguments = ["--api-port", str(self._ports.api), "--log-port", str(self._ports.logs), "--lock", str(lock)]
        with self._log.open("wb") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "assay.orchestration.supervisor", *arguments, *["--triggerer"] * self._triggerer],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=process_environment(os.environ, self.settings),
                pass_fds=[lock],
                start_new_session=True,  # Ctrl-C in the terminal is ours to answer
            )
        threading.Thread(target=_listen, args=(supervisor.stdout, self._events), daemon=True).start()
        return supervisor

    def _wait_until_ready(self, since: float) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            self.check()
            try:
                if self._ready(since):
                    return
            except ApiUnavailable:
                pass  # not listening yet
            if time.monotonic() > deadline:
                raise StackFailed(f"Airflow did not start within {_START_SECONDS} s; its logs: {self._log.parent}")
            time.sleep(0.2)

    def _ready(self, since: float) -> bool:
        """Whether the scheduler runs and has seen the DAG files as they are now."""
        if any(self.api.last_heartbeat(part) < since for part in ("scheduler", "dag_processor")):
            return False
        if broken := self.api.import_errors():
            raise StackFailed("Airflow cannot read the DAG files:\n" + "\n".join(broken))
        parsed = self.api.parse_times()
        return all(parsed.get(dag, 0.0) > since for dag in DAGS)

    def _take(self, event: Mapping[str, Any] | None) -> None:
        if event is None:
            code = self._supervisor.wait()
            self._fail(f"Airflow's supervisor ended ({_how(code)})", self._log)
        elif event["event"] == "stage":
            self._say(event["text"])
        elif event["event"] == "stale":
            for run in event["runs"]:
                self._say(f"marked failed: {run}, left unfinished when Airflow was stopped; what it had finished is kept")
        elif event["event"] == "died":
            self._fail(f"Airflow's {event['part']} ended ({_how(event['code'])})", Path(event["log"]))
        elif event["event"] == "failed":
            self._failure = self._failure or event["text"]

    def _fail(self, what: str, log: Path) -> None:
        if self._failure is None:
            tail = "\n".join(f"    {line}" for line in _tail(log, 12))
            advice = "what was finished is kept: run the same command again to go on"
            self._failure = f"{what}; {advice}. The end of {log}:\n{tail}" if tail else f"{what}; {advice}. Log: {log}"

    def _stop(self) -> None:
        """Let go of the supervisor, which takes everything down, and make sure that it did."""
        supervisor = getattr(self, "_supervisor", None)
        if supervisor is None:
            return
        try:
            supervisor.stdin.close()
            supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._say(f"Airflow's supervisor did not stop within {_STOP_SECONDS} s and is killed")
        finally:
            if supervisor.poll() is None:
                supervisor.kill()
                supervisor.wait()
            supervisor.stdout.close()
            leftovers.end(leftovers.members(self.settings.home), grace=1.0)


def _listen(reports: Any, events: queue.SimpleQueue[Mapping[str, Any] | None]) -> None:
    for line in reports:
        events.put(json.loads(line))
    events.put(None)


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _tail(path: Path, lines: int) -> list[str]:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 16_384))
            return stream.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
