"""Options that several commands share, and how they print."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.status import Status

Dataset = Annotated[str | None, typer.Option("--dataset", help="Dataset to work on. Default: ASSAY_DATASET, or `default`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of text.")]

PIPE_WIDTH = 160


def account() -> str:
    """The account that runs the command, for the ledger; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def print_json(value: Any) -> None:
    """Print one JSON value, as machines read it."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY, default=str).decode())


def print_json_rows(rows: Iterable[Any]) -> None:
    """Print a JSON array, a row a line, as the rows come."""
    import orjson

    separator = "["
    for row in rows:
        typer.echo(f"{separator}\n{orjson.dumps(row, default=str).decode()}", nl=False)
        separator = ","
    typer.echo("[]" if separator == "[" else "\n]")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    """Print rows as a table for people; `empty` is said when there is none."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        typer.echo(empty)
        return
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*("" if row.get(column) is None else escape(str(row[column])) for column in columns))
    # A pipe has no width of its own; 80 columns would break every id.
    console = Console()
    console.width = console.width if console.is_terminal else PIPE_WIDTH
    console.print(table)


class Doing:
    """Shows what is being done now; silent where nobody watches."""

    def __init__(self, status: Status | None = None) -> None:
        self._status = status

    def __call__(self, doing: str) -> None:
        """Show this."""
        from rich.text import Text

        if self._status is not None:
            self._status.update(Text(doing, overflow="ellipsis", no_wrap=True))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the terminal to a question."""
        if self._status is not None:
            self._status.stop()
        yield
        if self._status is not None:
            self._status.start()


class _Steps(logging.Handler):
    """Shows what the log says of each step."""

    def __init__(self, tell: Doing) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage().partition("\n")[0])


@contextlib.contextmanager
def progress() -> Iterator[Doing]:
    """Shows on standard error what is being done, or was done last, where a person is watching; in a pipe it is silent."""
    from rich.console import Console

    console, log = Console(stderr=True), logging.getLogger("assay")
    if not console.is_terminal or log.isEnabledFor(logging.INFO):
        yield Doing()
        return
    with console.status("starting") as status:
        tell, level = Doing(status), log.level
        steps = _Steps(tell)
        log.addHandler(steps)
        log.setLevel(logging.INFO)
        try:
            yield tell
        finally:
            log.removeHandler(steps)
            log.setLevel(level)


@contextlib.contextmanager
def transferred(total: int) -> Iterator[Callable[[int], None]]:
    """Shows on standard error how many of `total` bytes came, how fast, and for how long it goes on; in a pipe it is silent."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda count: None
        return
    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


def megabytes(count: int) -> str:
    """A count of bytes as people read it: `1.2 MB`, of 1,000,000 bytes each."""
    return f"{count / 1e6:.1f} MB"


def counted(counts: Mapping[str, int]) -> str:
    """Counts as one sentence: `read 124, accepted 3, quarantined 121`."""
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
