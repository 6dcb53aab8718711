"""`assay serve`: the reporting API on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.commands.options import Dataset


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs ASSAY_SERVE_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8787,
    dataset: Dataset = None,
    ingestion_only: Annotated[
        bool, typer.Option("--ingestion-only", help="The ingestion API alone, at /recordings/; it asks for keys on any address.")
    ] = False,
) -> None:
    """Serve the dataset as of now over HTTP: live documents, filtered statistics and rankings, sessions. Ctrl-C stops it.

    `/openapi.json` describes every endpoint; docs/serve.md shows some requests. The ingestion API, which takes the recordings of
    labs that have a key (`assay keys`), is beside it at `/recordings/`.

    Example: `assay serve --port 8787 --dataset spare-cores`
    """
    from assay.serve.server import serve as answer
    from assay.settings import Settings

    shown = f"[{host}]" if ":" in host else host
    said = "ingestion API: http://{}/recordings/" if ingestion_only else "reporting API: http://{}/v1/latest"
    typer.echo(f"{said.format(f'{shown}:{port}')} (described by its openapi.json); Ctrl-C stops it", err=True)
    try:
        answer(Settings(), dataset, host, port, ingestion_only=ingestion_only)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)


def add_to(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command()(serve)
