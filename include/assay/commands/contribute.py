"""`assay contribute check`: what the rules say of somebody's own session, before it is given to anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.commands.options import AsJson, print_json

app = typer.Typer(no_args_is_help=True, help="Sessions that people give.")

EXIT_CODES = {"accepted": 0, "accepted with warnings": 0, "quarantined": 3, "rejected": 4}


@app.callback()
def _group() -> None:
    """Sessions that people give."""


@app.command()
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(exists=True, help="A session's folder with its manifest, a .zip of it, or a raw file of a known format."),
    ],
    licence: Annotated[
        str | None, typer.Option("--licence", help="Reject sessions under another licence, such as `CC BY 4.0`.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", dir_okay=False, help="Append the verdict to this file as Markdown.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a session by the rules of the dataset, in a workspace that is thrown away; nothing is kept or sent.

    Prints the verdict with rule, file, what was found and what was expected. Exit codes: 0 accepted, with or without warnings;
    1 the check could not be made; 2 wrong usage; 3 quarantined; 4 rejected: the bytes cannot form a session. Of several sessions
    the worst counts.

    Example: `assay contribute check my-session.zip --licence "CC BY 4.0" --json`
    """
    from assay.contribute.check import check_contributions
    from assay.contribute.page import lines, markdown

    checked = check_contributions(paths, licence=licence)
    if summary is not None:
        with summary.open("a", encoding="utf-8") as page:
            page.write(markdown(checked))
    if as_json:
        print_json(checked.as_document())
    else:
        typer.echo("\n".join([*lines(checked), f"verdict: {checked.verdict}"]))
    raise typer.Exit(EXIT_CODES[checked.verdict])
