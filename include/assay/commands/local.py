"""`assay run`, `assay up` and `assay run-fleet`: the whole path on this machine, by a real Airflow."""

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


def run_fleet() -> None:
    """Run the path of the fleet without AWS: six machines of three families, in an emulated EC2, by a real Airflow scheduler.

    Each instance boots on this host by running its real user data, one after the other: it measures itself, uploads and is gone;
    then its session is taken over and processed. What is measured is this host and bears its label. State is below `fleet/` of
    ASSAY_HOME and of this run alone. Ends with a table of the machines and what is left in the emulated account; exits with 1 if
    anything is, or if a type has no session.

    Example: `assay run-fleet`
    """
    from assay.orchestration.fleet_run import run_fleet as run_emulated

    raise typer.Exit(0 if run_emulated(Settings()).succeeded else 1)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(run)
    app.command()(up)
    app.command()(run_fleet)
