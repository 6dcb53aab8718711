"""`assay rules`, `assay docs` and `assay reference`: what the project knows, for people."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.commands import prices
from assay.commands.options import AsJson, print_json, print_table

reference = typer.Typer(no_args_is_help=True, help="What is known of EC2, each fact with its source and date.")
reference.add_typer(prices.app, name="prices")


def rules(as_json: AsJson = False) -> None:
    """List the rules: id, what each does to a session, what it says and why.

    Example: `assay rules`
    """
    from assay.check.registry import all_rules

    rows = [
        {"id": rule.id, "severity": str(rule.severity), "stage": str(rule.stage), "says": rule.says, "because": rule.because}
        for rule in all_rules()
    ]
    print_json(rows) if as_json else print_table("Rules", ("id", "severity", "says", "because"), rows, empty="no rules")


def docs(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 where a generated file is stale.")] = False,
) -> None:
    """Generate the documents that come from code: rules, database, DAGs, settings, command line and JSON Schemas.

    Example: `assay docs --check`
    """
    from assay.commands.generated import generate

    stale = generate(context.find_root().command, check=check)
    for path in stale:
        typer.echo(f"{path} {'is stale: run `make docs`' if check else 'written'}")
    raise typer.Exit(1 if check and stale else 0)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(rules)
    app.command()(docs)
    app.add_typer(reference, name="reference")
