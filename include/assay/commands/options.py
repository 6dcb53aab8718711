"""Options that several commands share, and how they print."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

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


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Shows on standard error what is being done now, where a person is watching; in a pipe it is silent."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda doing: None
        return
    with console.status("starting") as status:
        yield status.update


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
