"""A run whose output is read while it goes on, so that something can be killed at a stated point of it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from assay.errors import AssayError
from assay.orchestration import leftovers
from assay.orchestration.pipeline import RunReport, run_pipeline
from assay.settings import Settings
from rich.console import Console


@dataclass(frozen=True)
class Ended:
    """How a run ended: its report or its error, and everything that it printed."""

    report: RunReport | None
    error: str
    output: str


class _Watched(io.StringIO):
    def __init__(self, when: str, do: Callable[[], None] | None) -> None:
        super().__init__()
        self._when, self._do = when, do

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._do is not None and self._when in self.getvalue():
            do, self._do = self._do, None
            do()
        return written


def run(
    settings: Settings, *, sessions: int = 1, executions: int = 3, when: str = "", do: Callable[[], None] | None = None
) -> Ended:
    """Run the pipeline; `do` is called when it has printed `when`."""
    output = _Watched(when, do)
    try:
        report = run_pipeline(settings, sessions=sessions, executions=executions, console=Console(file=output, width=200))
    except AssayError as error:
        return Ended(None, str(error), output.getvalue())
    return Ended(report, report.failure, output.getvalue())


def part(settings: Settings, title: str) -> psutil.Process:
    """The one process of a running stack whose command line ends like that."""
    found = []
    for process in leftovers.members(settings.home):
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if " ".join(process.cmdline()).strip().endswith(title):
                found.append(process)
    (one,) = found
    return one


def scheduler(settings: Settings) -> psutil.Process:
    """The scheduler of a running stack."""
    return part(settings, "airflow scheduler")


def postgres(home: Path) -> list[psutil.Process]:
    """The processes of the home's embedded PostgreSQL."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd().startswith(str((home / "postgres").resolve())):
                found.append(process)
        except psutil.Error:
            continue
    return found
