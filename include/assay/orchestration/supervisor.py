"""The process that owns a local Airflow: starts its parts, notices when one dies, and leaves none behind.

`python -m assay.orchestration.supervisor`, started by `LocalStack`, which holds the other end of its standard input: when that
closes, because the stack is stopped or because the command that started it was killed, everything is taken down. It reports on
standard output, one JSON object a line: `stage`, `stale`, `died`, `failed`, `stopped`.

Importing Airflow costs seconds, so it is imported once, here, and the parts are forked; each then runs the very command that
`airflow scheduler`, `airflow api-server` and so on run. The API server imports twice as much as all others together, so it is
forked first and imports for itself on the other core.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol

from setproctitle import setproctitle

from assay.database import embedded
from assay.errors import AssayError
from assay.orchestration import leftovers
from assay.orchestration.environment import Ports, airflow_environment, airflow_home
from assay.orchestration.keys import load_secrets
from assay.settings import Settings

_GRACE = 3.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class Report(Protocol):
    """Tells the other side of the pipe what happened."""

    def __call__(self, **event: object) -> None: ...


class Supervisor:
    """The parts of one local Airflow, as child processes."""

    def __init__(self, settings: Settings, ports: Ports, report: Report, *, triggerer: bool, private: tuple[int, ...]) -> None:
        """`private`: file descriptors that no part may keep."""
        self._settings = settings
        self._ports = ports
        self._report = report
        self._triggerer = triggerer
        self._logs = airflow_home(settings.home) / "logs" / "components"
        self._parts: dict[int, str] = {}
        self._private = private
        self._stop = False

    def run(self) -> int:
        """Start everything, wait until told to stop or a part dies, stop everything. Gives the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        with embedded.server(self._settings.home) as urls:
            os.environ.update(
                airflow_environment(
                    self._settings,
                    airflow_url=urls.airflow,
                    assay_url=urls.assay,
                    ports=self._ports,
                    secrets=load_secrets(airflow_home(self._settings.home)),
                )
            )
            leftovers.forget_parts(self._settings.home)
            life = os.open(leftovers.life_file(self._settings.home), os.O_RDWR | os.O_CREAT, 0o600)
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # from here on: PostgreSQL is nobody's child and stays so
            try:
                return self._supervise()
            finally:
                self._take_down()
                os.close(life)
                self._report(event="stopped")

    def _supervise(self) -> int:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._start("api-server", _airflow_command("api-server", first="airflow.api_fastapi.main"))
        self._report(event="stage", text="loading Airflow")
        parts = _load("assay.orchestration.parts")
        if threading.active_count() > 1:
            names = ", ".join(thread.name for thread in threading.enumerate())
            raise RuntimeError(f"cannot fork Airflow's parts: importing it started threads ({names})")
        self._report(event="stage", text="preparing Airflow's database")
        prepare = self._start("prepare", parts.prepare)
        if not self._wait(lambda: prepare not in self._parts):
            return 1
        self._report(event="stale", runs=parts.stale_runs(self._log("prepare").read_text(encoding="utf-8")))
        self._report(event="stage", text="starting the scheduler")
        self._start("scheduler", _airflow_command("scheduler", "--skip-serve-logs"))
        self._start("dag-processor", _airflow_command("dag-processor"))
        if self._triggerer:
            self._start("triggerer", _airflow_command("triggerer", "--skip-serve-logs"))
        self._start("log-server", lambda: parts.serve_logs(self._ports.logs))
        self._wait(lambda: False)
        return 0 if self._stop else 1

    def _wait(self, done: Callable[[], bool]) -> bool:
        """Until `done`, a request to stop (False), or the death of a part (False; it is reported)."""
        while not done():
            readable, _, _ = select.select([sys.stdin], [], [], 0.2)
            if readable and not os.read(sys.stdin.fileno(), 4096):
                self._stop = True
            if self._stop or self._reap():
                return False
        return True

    def _reap(self) -> bool:
        """Collect the dead, orphans of dead parts among them; report a part that should have lived."""
        died = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return died
            if pid == 0:
                return died
            part = self._parts.pop(pid, None)
            code = os.waitstatus_to_exitcode(status)
            if part is not None and not (part == "prepare" and code == 0):
                self._report(event="died", part=part, code=code, log=str(self._log(part)))
                died = True

    def _start(self, part: str, run: Callable[[], Any]) -> int:
        log = self._log(part)
        with contextlib.suppress(FileNotFoundError):
            log.replace(log.with_suffix(".previous.log"))
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            _become(part, run, log, self._private)
        self._parts[pid] = part
        leftovers.note_part(self._settings.home, pid)
        return pid

    def _log(self, part: str) -> Path:
        return self._logs / f"{part}.log"

    def _take_down(self) -> None:
        for pid in self._parts:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _GRACE
        while self._parts and time.monotonic() < deadline:
            self._reap_quietly()
            time.sleep(0.05)
        while left := leftovers.members(self._settings.home):
            leftovers.end(left)
            self._reap_quietly()
        leftovers.forget_parts(self._settings.home)

    def _reap_quietly(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self._parts.pop(pid, None)

    def _asked_to_stop(self, *_: object) -> None:
        self._stop = True


def _airflow_command(*arguments: str, first: str = "airflow.__main__") -> Callable[[], None]:
    """What a part runs: one of Airflow's own commands, after loading the module that it will spend its start on."""

    def run() -> None:
        _load(first)
        sys.argv = ["airflow", *arguments]
        from airflow.__main__ import main

        main()  # type: ignore[no-untyped-call]

    return run


def _become(part: str, run: Callable[[], Any], log: Path, private: tuple[int, ...]) -> NoReturn:
    """Turn this fork into a part: a session of its own, its output in its log, and no life without the supervisor."""
    code = 1
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
        for descriptor in private:
            os.close(descriptor)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        setproctitle(f"airflow {part}")
        run()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except KeyboardInterrupt:
        code = 0
    except BaseException:  # noqa: BLE001 - the fork must never return into the supervisor's stack; its log has the trace
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _load(module: str) -> Any:
    """Import without the garbage collector, which looks in vain through a million new objects: an eighth of the time."""
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _reporter(descriptor: int) -> Report:
    def report(**event: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # whoever listened is gone; the stack is being taken down
            os.write(descriptor, (json.dumps(event) + "\n").encode())

    return report


def main() -> int:
    """Run the supervisor; settings and AIRFLOW_HOME come from the environment that LocalStack made."""
    parser = argparse.ArgumentParser(description="Owns the processes of a local Airflow; started by `assay run` and `assay up`.")
    parser.add_argument("--api-port", type=int, required=True)
    parser.add_argument("--log-port", type=int, required=True)
    parser.add_argument("--lock", type=int, required=True, help="file descriptor of the home's lock, held as long as this lives")
    parser.add_argument("--triggerer", action="store_true")
    given = parser.parse_args()
    reports = os.dup(1)  # not inherited by programs that are executed
    os.dup2(2, 1)  # what is printed while Airflow is imported goes to the log
    os.set_inheritable(given.lock, False)
    report = _reporter(reports)
    ports = Ports(api=given.api_port, logs=given.log_port)
    try:
        return Supervisor(Settings(), ports, report, triggerer=given.triggerer, private=(reports, given.lock)).run()
    except AssayError as error:
        report(event="failed", text=str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
