"""The `assay` command: every stage of the path, without Airflow where Airflow is not needed.

Exit codes: 0 done; 1 refused or failed, with one message that says what to do; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from assay import __version__
from assay.commands import (
    archive,
    contribute,
    daily,
    dataset,
    explore,
    fetch,
    fleet,
    fsck,
    keys,
    local,
    process,
    quarantine,
    recordings,
    reference,
    serve,
    sessions,
    ship,
)
from assay.errors import AssayError

app = typer.Typer(
    name="assay",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""Turns measurement sessions into datasets that people can trust.

    The path of a session: **collect**, store raw, verify, read, **check**, summarize, **publish**, clean. Every command works on
    a fresh checkout: state lives in `ASSAY_HOME` (default `var/`), and an embedded PostgreSQL starts and stops by itself.

    Measure this machine and publish what passed the checks: `assay run`
    """,
    epilog="Exit codes: 0 done, 1 refused or failed (one message says why and what to do), 2 wrong usage, 130 interrupted.",
)

local.add_to(app)
fleet.add_to(app)
process.add_to(app)
daily.add_to(app)
archive.add_to(app)
fsck.add_to(app)
app.add_typer(sessions.app, name="sessions")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(keys.app, name="keys")
app.add_typer(ship.app, name="ship")
app.add_typer(recordings.app, name="recordings")
app.add_typer(contribute.app, name="contribute")
dataset.add_to(app)
reference.add_to(app)
serve.add_to(app)
explore.add_to(app)
fetch.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"assay {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    level = logging.INFO if verbose else logging.WARNING
    lines = logging.StreamHandler(sys.stderr)
    lines.setLevel(level)  # what is shown as progress is logged too, and is no line
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=[lines])


def main() -> None:
    """Run the command; what Assay refuses becomes one line on standard error and exit code 1."""
    try:
        app()
    except AssayError as error:
        typer.secho(f"assay: {error}", err=True, fg=typer.colors.RED)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.secho("assay: interrupted; what was finished is kept, run the same command again to go on", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
