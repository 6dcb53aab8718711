"""`assay run` and `assay up`: the whole path on this machine, by a real Airflow, followed task by task."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from assay.errors import AssayError
from assay.orchestration.api import ApiUnavailable, TaskState
from assay.orchestration.ports import PREFERRED
from assay.orchestration.progress import Progress
from assay.orchestration.stack import LocalStack
from assay.settings import Settings

if TYPE_CHECKING:
    from assay.orchestration.results import Results

_ASSET_SECONDS = 120
_LOG_LINES = 40


class RunFailed(AssayError):
    """A DAG run did not succeed; the log of what failed was shown."""


@dataclass(frozen=True)
class RunReport:
    """How a run ended. `failure` says what went wrong, empty if nothing did; `results` is what the ledger holds afterwards."""

    succeeded: bool
    seconds: float
    failure: str
    results: Results | None


def run_pipeline(settings: Settings, *, sessions: int = 3, executions: int = 2, console: Console | None = None) -> RunReport:
    """Measure this host, process, publish: their DAGs, one after the other, by an Airflow that is started for it.

    Shows every task as it runs, the log of one that fails, and at the end the results. Raises AssayError if Airflow cannot be
    started or dies; a DAG run that fails gives a report that says so.
    """
    console = console or Console()
    began = time.monotonic()
    failure = ""
    results: Results | None = None
    with Progress(console) as progress:
        stack = LocalStack(settings, what="assay run", say=progress.say)
        with stack:
            progress.say(f"Airflow runs; its UI while this lasts: {stack.url}")
            try:
                _run_dags(_Follower(stack, progress), {"sessions": sessions, "executions": executions})
            except RunFailed as error:
                failure = str(error)
            except KeyboardInterrupt:
                progress.say("interrupted: stopping Airflow and what it runs")
                raise
            try:
                results = _results(stack)
            except AssayError as error:
                failure = failure or str(error)
            progress.say("stopping Airflow")
        progress.say("stopped")
    _print_results(console, settings, results, failure)
    return RunReport(not failure, time.monotonic() - began, failure, results)


def serve_ui(settings: Settings, *, console: Console | None = None) -> None:
    """Run Airflow with its UI until Ctrl-C; no process is left. Raises AssayError if it cannot be started or dies."""
    console = console or Console()
    with Progress(console) as progress:
        stack = LocalStack(settings, what="assay up", port=PREFERRED, triggerer=True, say=progress.say)
        with stack:
            console.print(f"\n  Airflow: [bold]{stack.url}[/bold]   no login; only this machine can reach it")
            console.print(f"  State and logs: {settings.home}")
            console.print("  Ctrl-C stops it.\n")
            try:
                while True:
                    stack.check()
                    time.sleep(1)
            except KeyboardInterrupt:
                progress.say("stopping Airflow")
        progress.say("stopped; no process is left")


def _run_dags(follower: _Follower, conf: Mapping[str, int]) -> None:
    measured = follower.trigger("benchmark_instances", conf)
    missing = None
    try:
        follower.follow("benchmark_instances", measured)
    except RunFailed as error:
        if not follower.succeeded("benchmark_instances", measured, "hand_over"):
            raise
        missing = error  # some sessions were measured: they go their way before this is told
    # The results need pandas, which takes a second to import: now, when nothing is being measured any more.
    threading.Thread(target=importlib.import_module, args=("assay.orchestration.results",), daemon=True).start()
    processed = follower.started_by("process_sessions", "benchmark_instances", measured)
    follower.follow("process_sessions", processed)
    # Who runs this asked for a snapshot of what was just measured: that it moved is no reason to wait for somebody else.
    follower.follow("publish_snapshot", follower.trigger("publish_snapshot", {"accept_changes": True}))
    if missing is not None:
        raise missing


class _Follower:
    """Starts runs and waits for them, telling the progress on the way."""

    def __init__(self, stack: LocalStack, progress: Progress) -> None:
        self._stack = stack
        self._progress = progress

    def trigger(self, dag: str, conf: Mapping[str, int]) -> str:
        if self._stack.api.unpause(dag):
            self._progress.say(f"{dag} was paused; it was unpaused for this run")
        return self._stack.api.trigger(dag, conf)

    def started_by(self, dag: str, source_dag: str, source_run: str) -> str:
        """The run that an asset event of the source run starts."""
        if self._stack.api.unpause(dag):
            self._progress.say(f"{dag} was paused; it was unpaused for this run")
        found = self._poll(lambda: self._stack.api.triggered_by(dag, source_dag, source_run), _ASSET_SECONDS)
        if found is None:
            raise RunFailed(f"{dag} did not start within {_ASSET_SECONDS} s after {source_dag}; trigger it in the UI: `make up`")
        return found

    def succeeded(self, dag: str, run: str, task: str) -> bool:
        return any(found.task == task and found.state == "success" for found in self._stack.api.tasks(dag, run))

    def follow(self, dag: str, run: str) -> None:
        """Until the run has ended. Raises RunFailed, after showing the logs of what failed, if not in success."""
        shown: set[tuple[str, int, int]] = set()

        def ended() -> str | None:
            state = self._stack.api.run_state(dag, run)
            tasks = self._stack.api.tasks(dag, run)
            self._progress.update(dag, tasks)
            for task in tasks:
                attempt = (task.task, task.index, task.tries)
                if task.state in ("failed", "up_for_retry") and attempt not in shown:
                    shown.add(attempt)
                    self._show_log(dag, run, task)
            if any(task.state == "awaiting_input" for task in tasks):
                raise RunFailed(
                    f"{dag} waits for approval, which nobody can give once this command has ended; what was finished is kept. "
                    "`assay publish` shows what it is about and asks"
                )
            # Watching costs a little of the machine: look less often while it is being measured.
            self._pause = 2.0 if any(task.state == "running" and task.slots > 1 for task in tasks) else 0.4
            return state if state in ("success", "failed") else None

        state = self._poll(ended, None)
        if state != "success":
            failed = sorted({task.task for task in self._stack.api.tasks(dag, run) if task.state == "failed"})
            raise RunFailed(
                f"{dag} failed in {', '.join(failed) or 'the scheduler'}; what was finished is kept: run again to go on"
            )

    def _poll(self, look: Callable[[], str | None], seconds: float | None) -> str | None:
        deadline = None if seconds is None else time.monotonic() + seconds
        self._pause = 0.4
        while deadline is None or time.monotonic() < deadline:
            self._stack.check()
            try:
                found = look()
            except ApiUnavailable:
                self._stack.check()  # it usually knows better why
                found = None
            if found is not None:
                return found
            time.sleep(self._pause)
        return None

    def _show_log(self, dag: str, run: str, task: TaskState) -> None:
        lines = self._stack.api.log(dag, run, task)
        self._progress.say(f"{dag}.{task.label}: the end of its log:")
        for line in lines[-_LOG_LINES:]:
            self._progress.console.print(f"    {line}", highlight=False, markup=False, soft_wrap=True)


def _results(stack: LocalStack) -> Results:
    from assay.orchestration.results import collect_results
    from assay.workspace import open_workspace

    with open_workspace(settings=stack.settings) as workspace:
        return collect_results(workspace)


def _print_results(console: Console, settings: Settings, results: Results | None, failure: str) -> None:
    from assay.orchestration.results import results_table

    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)

    say("")
    if failure:
        say(failure, "red")
    if results is None:
        return
    if results.figures:
        console.print(results_table(results.figures))
    accounting = results.accounting
    pending = f" + {accounting.pending} pending" if accounting.pending else ""
    say(
        f"sessions   {accounting.read} read = {accounting.accepted} accepted + {accounting.quarantined} quarantined "
        f"+ {accounting.rejected} rejected{pending}"
    )
    if accounting.quarantined or accounting.rejected:
        say(f"           why: {_command()} quarantine list")
    if results.snapshot:
        repository = settings.git_repository(settings.dataset)
        say(f"snapshot   {results.snapshot}, commit {results.commit[:12]}, in {repository}")
        say(f"           git -C {repository} show --stat {results.commit[:12]}")
        if results.accepted:
            say(f"           accepted with this run: {results.accepted}")
    say("the UI     make up")


def _command() -> str:
    """How the `assay` command was called, so that what is printed can be pasted."""
    return sys.argv[0] if Path(sys.argv[0]).name == "assay" else "assay"
