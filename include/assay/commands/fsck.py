"""`assay fsck`: proves that storage and database say the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assay.commands.options import AsJson, megabytes, print_json, progress

if TYPE_CHECKING:
    from assay.reconcile.look import Report


def fsck(
    all_hashes: Annotated[
        bool, typer.Option("--all-hashes", help="Read and hash every object whose hash is known; takes as long as reading does.")
    ] = False,
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of objects that are hashed. Default: ASSAY_RECONCILE_HASH_SHARE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare raw storage, database and processed storage: nothing missing, nothing extra, sizes equal, hashes sampled.

    Looks at every kind of session in every dataset and changes nothing. Each difference is named with what to do. What is on its
    way is none: an upload, a session that is being entered or processed; where something differs it looks again. Raw files that
    were cleaned after their archive was proven must not be there. The DAG `reconcile` does the same every night.

    Exit codes: 0 nothing differs; 1 something does.

    Example: `assay fsck --all-hashes`
    """
    from datetime import UTC, datetime

    from assay.reconcile.look import reconcile
    from assay.workspace import open_workspace

    with open_workspace() as workspace, progress() as tell:
        wanted = workspace.settings.reconcile_hash_share if share is None else share
        report = reconcile(
            workspace,
            share=1.0 if all_hashes else wanted,
            seed=f"{datetime.now(UTC):%Y-%m-%d}",
            tell=lambda so_far: tell(_looked_at(so_far)),
        )
    if as_json:
        print_json(asdict(report))
    else:
        for difference in report.differences:
            typer.echo(str(difference))
        for notice in report.notices:
            typer.echo(f"note: {notice}")
        typer.echo(
            f"{report.sessions} sessions, {_looked_at(report)}, {report.coming} on their way: "
            + (f"{report.total} differ" if report.total else "nothing differs")
        )
    if report.total:
        raise typer.Exit(1)


def _looked_at(report: Report) -> str:
    return (
        f"{report.objects} objects ({megabytes(report.bytes)}), {report.hashed} of them hashed ({megabytes(report.hashed_bytes)})"
    )


def add_to(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command()(fsck)
