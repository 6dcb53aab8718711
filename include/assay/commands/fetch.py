"""`assay fetch`: recordings that answer a question, onto this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.commands.options import AsJson, megabytes, print_json_rows, transferred


def fetch(
    query: Annotated[str, typer.Argument(help="Question, such as 'fatigue>=3 and hardware_model~\"X1\"'; '' is everything.")],
    directory: Annotated[
        Path | None, typer.Argument(help="Folder to bring the files to; without it they are only listed.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The files as the lab sent them, not what was made of them.")] = False,
    at_once: Annotated[int, typer.Option(min=1, max=32, help="Files that are fetched at once.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Fetch the files of the recordings that answer a question: in parallel, resumed, checked against their SHA-256.

    Needs ASSAY_FETCH_URL and ASSAY_FETCH_KEY (a key with the right `read`). Run again, it goes on where it was. A file lies below
    a folder named by its session. A file that cannot be had stops no other; `assay --verbose fetch` names every file.

    Example: `assay fetch 'fatigue>=3 and hardware_model~"X1" and started>=2024-02-01' ./eeg`
    """
    from assay.fetch.files import count_files, fetch_files
    from assay.fetch.pages import file_pages, reading

    with reading(connections=at_once + 1) as api:
        if directory is None:
            rows = (row for _, page in file_pages(api, query, raw=raw) for row in page)
            if as_json:
                print_json_rows(rows)
                return
            for row in rows:
                typer.echo(f"{row['uri']}\t{row['size']}\t{row['sha256']}")
            return
        count, size = count_files(api, query, raw=raw)
        typer.echo(f"{count} files, {megabytes(size)}, to {directory}", err=True)
        with transferred(size) as tick:
            found = fetch_files(api, query, directory, raw=raw, at_once=at_once, tick=tick)
    typer.echo(f"fetched {found.fetched} files, {found.there} were there, {megabytes(found.bytes)} in all: {directory}")


def add_to(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command()(fetch)
