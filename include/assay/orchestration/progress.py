"""What a person sees while a run goes on: a live table in a terminal, one line for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from assay.orchestration.api import TaskState

_WORDS = {
    "success": ("done", "green"),
    "failed": ("failed", "red"),
    "upstream_failed": ("not run: one before it failed", "red"),
    "up_for_retry": ("will be tried again", "yellow"),
    "running": ("running", "cyan"),
    "deferred": ("waits without a worker", "cyan"),
    "awaiting_input": ("waits for approval", "yellow"),
    "skipped": ("skipped: nothing to do", "yellow"),
}
_QUIET = {"waiting", "scheduled", "queued", "removed"}


@dataclass
class _Row:
    state: str
    since: float
    seconds: float = 0.0


@dataclass
class Progress:
    """Shows the state of every task, with the seconds it took."""

    console: Console
    _rows: dict[tuple[str, str], _Row] = field(default_factory=dict)
    _live: Live | None = None
    _began: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(get_renderable=self._table, console=self.console, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """One sentence, with the seconds since the start."""
        self.console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {escape(text)}", highlight=False, soft_wrap=True)

    def update(self, dag: str, tasks: Iterable[TaskState]) -> None:
        """Take in where the tasks of a run stand now."""
        for task in tasks:
            row = self._rows.get((dag, task.label))
            if row is None or row.state != task.state:
                self._rows[dag, task.label] = _Row(task.state, time.monotonic(), task.seconds)
                if self._live is None and task.state not in _QUIET:
                    self._line(dag, task)
            elif task.state != "running":
                row.seconds = task.seconds

    def _line(self, dag: str, task: TaskState) -> None:
        word, colour = _WORDS.get(task.state, (task.state, "white"))
        seconds = f" in {task.seconds:.1f} s" if task.state in ("success", "failed") else ""
        attempt = f" (try {task.tries})" if task.tries > 1 else ""
        self.say_marked(f"{escape(f'{dag}.{task.label}')}: [{colour}]{word}[/{colour}]{seconds}{attempt}")

    def say_marked(self, markup: str) -> None:
        """As `say`, for text with rich's markup."""
        self.console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {markup}", highlight=False, soft_wrap=True)

    def _table(self) -> Table | str:
        if not self._rows:
            return ""
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("dag", "task", "state"):
            table.add_column(name, style="bold" if name == "dag" else "")
        table.add_column("seconds", justify="right")
        last = None
        for (dag, label), row in self._rows.items():
            word, colour = _WORDS.get(row.state, (row.state, "dim"))
            if row.state == "running":
                seconds = f"{time.monotonic() - row.since:.0f}"
            else:
                seconds = f"{row.seconds:.1f}" if row.seconds else ""
            table.add_row(dag if dag != last else "", escape(label), f"[{colour}]{word}[/{colour}]", seconds)
            last = dag
        return table
