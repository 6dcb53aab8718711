"""`assay run` and `assay up`: the whole path on this machine, by a real Airflow, followed task by task."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from assay.errors import AssayError
from assay.orchestration.follower import Follower, RunFailed
from assay.orchestration.ports import PREFERRED
from assay.orchestration.progress import Progress
from assay.orchestration.stack import LocalStack
from assay.settings import Settings

if TYPE_CHECKING:
    from assay.orchestration.results import Results


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
                _run_dags(Follower(stack, progress), {"sessions": sessions, "executions": executions})
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


def _run_dags(follower: Follower, conf: Mapping[str, int]) -> None:
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
