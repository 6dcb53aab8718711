"""`assay schema`: whether documents keep the contract, documents of one version as another, and what was released."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from assay.commands.options import AsJson, print_json
from assay.errors import AssayError

app = typer.Typer(no_args_is_help=True, help="The contract of the published documents.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A published tree, or a folder of it.")]

MAX_SHOWN = 20


@app.command()
def validate(folder: Folder, as_json: AsJson = False) -> None:
    """Check every document in a tree or a folder against the schema that its own `schema_version` names, and every file
    against the size and hash that `manifest.json`, `metadata.json` and `endpoints.json` state.

    Exit codes: 0 all is valid; 1 something is not, or there is no document; 2 wrong usage.

    Example: `assay schema validate dataset/data/processed/latest`
    """
    from assay.dataset.tree import validate_tree

    with _Progress("checked", quiet=as_json) as shown:
        report = validate_tree(folder, shown)
    if as_json:
        faults = [
            {"document": f.document, "field": f.field, "found": f.found, "expected": f.expected, "schema": f.schema}
            for f in report.faults
        ]
        about = {"documents": report.documents, "files": report.files, "unknown": report.unknown, "faults": faults}
        print_json({"valid": not faults and bool(report.documents), **about})
    elif report.faults:
        for fault in report.faults[:MAX_SHOWN]:
            typer.secho(str(fault), err=True, fg=typer.colors.RED)
        more = len(report.faults) - MAX_SHOWN
        typer.echo(
            f"{len(report.faults)} faults" + (f", {more} of them not shown: --json lists all" if more > 0 else ""), err=True
        )
    else:
        versions = sorted(set(report.documents.values()))
        typer.echo(
            f"{len(report.documents)} documents are valid (contract {', '.join(versions)}); {report.files} files are as stated"
        )
        for path in report.unknown:
            typer.echo(f"{path}: no schema is known for it; not checked")
    if not report.faults and not report.documents:
        raise AssayError(f"{folder}: no document of the dataset found; expected files such as memory-benchmarks.json")
    if report.faults:
        raise typer.Exit(1)


@app.command()
def migrate(
    folder: Folder,
    older: Annotated[str, typer.Option("--from", help="Version that the documents have.")],
    newer: Annotated[str, typer.Option("--to", help="Version that they should have.")],
    output: Annotated[Path | None, typer.Option(help="New folder for the result. Default: in place.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turn the documents of one version of the contract into another, with the sizes and hashes stated of them.

    Migrations: 1.0.0 to 1.1.0, and back as a view for older clients. Guides: `schemas/migrations/`. In place, a dated
    snapshot stays as it is. Nothing is written unless every document is valid before.

    Exit codes: 0 done; 1 refused, with the file and field; 2 wrong usage.

    Example: `assay schema migrate dataset --from 1.0.0 --to 1.1.0 --output dataset-1.1.0`
    """
    from assay.dataset.migrations.tree import migrate_tree

    done = migrate_tree(folder, older, newer, output, dry_run=dry_run)
    if as_json:
        print_json({"from": older, "to": newer, "dry_run": dry_run, "migrated": done.moved, "left": done.left})
        return
    for path in done.moved:
        typer.echo(f"{path}: {older} -> {newer}")
    for path, why in done.left.items():
        typer.echo(f"{path}: left as it is: {why}")
    verb = "would be" if dry_run else "are"
    typer.echo(f"{len(done.moved)} documents {verb} migrated" + (f" into {output}" if output else ""))


@app.command()
def check(as_json: AsJson = False) -> None:
    """Compare the schemas of this checkout with the record of the released versions (`schemas/released/`).

    Additions are allowed. A field that is gone, renamed or newly required, or whose type, range, unit or choice of values is
    another, is refused: it needs a new version of the contract, and a migration. `make lint` runs this.

    Exit codes: 0 nothing breaks; 1 something does; 2 wrong usage.

    Example: `assay schema check`
    """
    from assay.dataset.compatibility import check as broken_in
    from assay.dataset.compatibility import released_versions
    from assay.settings import project_root

    released, broken = released_versions(project_root()), broken_in(project_root())
    if as_json:
        print_json({"released": released, "breaking": broken})
    for change in [] if as_json else broken:
        typer.secho(change, err=True, fg=typer.colors.RED)
    if broken:
        advice = "give the contract a new version and a migration, or take the change back (CONTRIBUTING.md)"
        raise AssayError(f"{len(broken)} changes break what was released: {advice}")
    if not as_json:
        typer.echo(f"released contracts {', '.join(released)}: nothing breaks")


@app.command()
def record() -> None:
    """Record the schemas of this checkout as released, additions included. Run it when a version of Assay is released.

    Refused, with the change that breaks, where a record would lose something.

    Example: `assay schema record`
    """
    from assay.dataset.compatibility import FOLDER
    from assay.dataset.compatibility import record as write_records
    from assay.settings import project_root

    changed = write_records(project_root())
    typer.echo(f"{FOLDER}: recorded {', '.join(changed)}" if changed else f"{FOLDER}: nothing new")


class _Progress:
    """Shows on a terminal how many documents are done; silent in a pipe."""

    def __init__(self, verb: str, *, quiet: bool) -> None:
        self.verb, self.count, self.shown = verb, 0, not quiet and sys.stderr.isatty()

    def __enter__(self) -> _Progress:
        return self

    def __call__(self, path: str) -> None:
        self.count += 1
        if self.shown and self.count % 20 == 0:
            typer.echo(f"\r{self.verb} {self.count} documents", nl=False, err=True)

    def __exit__(self, *_: object) -> None:
        if self.shown and self.count >= 20:
            typer.echo(f"\r{self.verb} {self.count} documents", err=True)
