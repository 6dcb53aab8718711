"""`assay explore`: the newest published snapshot in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.commands.options import Dataset


def explore(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8788,
    dataset: Dataset = None,
) -> None:
    """Show what is published in a browser: the explorer and every document, for this machine alone. Ctrl-C stops it.

    Reads the Git repository; needs no database. docs/explorer.md says what the page shows.

    Example: `assay explore --dataset spare-cores`
    """
    from assay.publish.local import LocalRepository
    from assay.serve.server import run_app
    from assay.serve.site import create_site
    from assay.settings import Settings

    settings = Settings()
    repository = settings.git_repository(dataset or settings.dataset)
    typer.echo(f"explorer of {repository}: http://127.0.0.1:{port}/ ; Ctrl-C stops it", err=True)
    try:
        run_app(create_site(lambda: LocalRepository(repository)), "127.0.0.1", port)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)


def add_to(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command()(explore)
