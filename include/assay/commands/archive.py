"""`assay archive`, `clean` and `restore`: raw sessions into archives that are proven, out of raw storage, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.commands.options import AsJson, Dataset, megabytes, print_json, print_table, progress


def archive(dataset: Dataset = None, as_json: AsJson = False) -> None:
    """Pack the raw sessions of every published snapshot that has no archive yet, and read the archives back.

    An archive holds what no earlier one does, and an index of everything that the snapshot was made of. It counts once every file
    in it was read back with the right hash. Where it goes: ASSAY_ARCHIVE_URL. Run it at any time: nothing is packed twice.

    Example: `assay archive --json`
    """
    from assay.archive.make import archive_published
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress() as tell:
        made = archive_published(workspace, tell)
    if as_json:
        print_json([asdict(one) for one in made])
    elif not made:
        typer.echo("nothing to archive: every published snapshot has its archive")
    for one in made if not as_json else ():
        typer.echo(
            f"archived snapshot {one.snapshot}: {one.packed} of its {one.sessions} sessions in {one.volumes} volumes "
            f"({megabytes(one.bytes)}, unpacked {megabytes(one.content_bytes)}), the others in earlier ones; "
            f"read back from {one.place}"
        )


def clean(
    dataset: Dataset = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted and what is kept, and why; delete nothing.")
    ] = False,
    days: Annotated[
        int | None, typer.Option("--days", min=0, help="Retention in days. Default: ASSAY_RAW_RETENTION_DAYS.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete raw objects that are older than the retention, published, and in a proven archive that is still there.

    Kept are recordings, what a rule or a person kept out, what is not published, and everything while the newest snapshot does
    not read back or an archive is not what was proven: that stops with a message, exit code 1. With versions on, all of them go.

    Example: `assay clean --dry-run`
    """
    from assay.archive.clean import clean as clean_raw
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress() as tell:
        done = clean_raw(workspace, dry_run=dry_run, days=days, tell=tell)
    if as_json:
        print_json({"dry_run": dry_run, **asdict(done)})
        return
    would = "would delete" if dry_run else "deleted"
    found = done.cleaned
    typer.echo(
        f"{would} the raw objects of {found.sessions} sessions: {found.objects} objects, {megabytes(found.bytes)} "
        f"(published, archived, {done.retention_days} days old or more)"
    )
    for name, sessions in done.by_archive.items():
        typer.echo(f"  {sessions} of them in the archive of snapshot {name}")
    if done.blocked:
        typer.echo(f"  but not now: {done.blocked}")
    rows: list[dict[str, Any]] = [{"why": why, **asdict(kept)} for why, kept in done.kept.items()]
    print_table("Not deleted", ("why", "sessions", "objects", "bytes"), rows, empty="nothing else is in the ledger")


def restore(
    snapshot: Annotated[str, typer.Argument(help="Snapshot whose raw sessions are brought back, such as `2026-11-20`.")],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="`file:///folder` or `s3://bucket/prefix` with the archives, or `release`. Default: ASSAY_ARCHIVE_URL."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", file_okay=False, help="Also write the documents, made again, into this folder.")
    ] = None,
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """Bring a snapshot's raw sessions back from archives, process them, and make its documents again.

    With an empty ASSAY_HOME and the archives it needs nothing else. Every hash is checked on the way, and the documents must be
    those that were published, to the byte; otherwise it says which differ, exit code 1. In a dataset that holds other sessions
    too, it only brings the raw files back. `--dataset` must be the name that the dataset had.

    Example: `assay restore 2026-11-20 --from s3://bucket/assay`
    """
    from assay.archive.place import open_place
    from assay.archive.restore import restore as restore_snapshot
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress() as tell:
        done = restore_snapshot(workspace, open_place(workspace, from_), snapshot, to=to, tell=tell)
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(f"brought back {done.sessions} sessions: {done.objects} objects, {megabytes(done.bytes)}, every hash as archived")
    if done.compared:
        typer.echo(f"made {done.documents} documents of snapshot {done.snapshot} again: the published ones, to the byte")
    else:
        typer.echo("the dataset holds other sessions too, so no documents were compared; in an empty ASSAY_HOME they are")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(archive)
    app.command()(clean)
    app.command()(restore)
