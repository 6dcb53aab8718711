"""`assay run` and `assay up`: the whole path on this machine, by a real Airflow."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.settings import Settings


def run(
    sessions: Annotated[int, typer.Option(min=1, max=100, help="Sessions to measure, one after the other.")] = 3,
    executions: Annotated[int, typer.Option(min=1, max=100, help="Executions of every tool in a session.")] = 2,
) -> None:
    """Measure this host, check, summarize and publish, run by a real Airflow scheduler.

    Starts the embedded PostgreSQL and Airflow, follows every task, prints what was measured and where the snapshot was
    published, and stops what it started. Run it again for more sessions: nothing is lost, nothing is counted twice. What moved
    beyond noise is accepted by who runs this, and shown; only a quality under ASSAY_QUALITY_THRESHOLD is not.

    Example: `assay run --sessions 1 --executions 3`
    """
    from assay.orchestration.pipeline import run_pipeline

    report = run_pipeline(Settings(), sessions=sessions, executions=executions)
    raise typer.Exit(0 if report.succeeded else 1)


def up() -> None:
    """Open the Airflow UI on 127.0.0.1, without a login; Ctrl-C stops it and leaves no process behind.

    Example: `assay up`
    """
    from assay.orchestration.pipeline import serve_ui

    serve_ui(Settings())


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(run)
    app.command()(up)
