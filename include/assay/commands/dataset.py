"""`assay trace`: from a published number back to its raw bytes; and the commands of the contract, `assay schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.commands import schema
from assay.commands.options import AsJson, Dataset, print_json


def trace(
    document: Annotated[str, typer.Argument(help="Published document, such as `memory-benchmarks.json`.")],
    path: Annotated[str, typer.Argument(help="Path to a value, such as `benchmarks.stream.host-1a2b3c4d.triad_bandwidth`.")],
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """Print the way from a published value back to raw files, their hashes, tool, machine and rules passed.

    Example: `assay trace memory-benchmarks.json benchmarks.stream.host-1a2b3c4d.triad_bandwidth`
    """
    from assay.publish.trace import trace_published
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace:
        steps = trace_published(workspace, document, path)
    if as_json:
        print_json(steps)
        return
    for step in steps:
        typer.echo(step["text"])


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.add_typer(schema.app, name="schema")
    app.command()(trace)
