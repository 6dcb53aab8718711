"""`assay trace` and `assay schema`: from a published number back to its raw bytes, and whether documents keep the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.commands.options import AsJson, Dataset, print_json
from assay.errors import AssayError

schema = typer.Typer(no_args_is_help=True, help="The contract of the published documents.")


@schema.command()
def validate(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with published documents.")],
) -> None:
    """Check every document in a folder against its published JSON Schema.

    Example: `assay schema validate dataset/data/processed/latest`
    """
    from assay.dataset.validate import validate_folder

    checked = validate_folder(folder)
    if not checked:
        raise AssayError(f"{folder}: no document of the dataset found; expected files such as memory-benchmarks.json")
    typer.echo(f"{len(checked)} documents are valid: {', '.join(checked)}")


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
    app.add_typer(schema, name="schema")
    app.command()(trace)
