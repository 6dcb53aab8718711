"""`assay recordings`: where recordings lie, and processing them anew."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assay.commands.options import AsJson, print_json, print_table, progress

app = typer.Typer(no_args_is_help=True, help="Recordings of labs: the bucket that they lie in, and processing them anew.")


@app.command()
def bucket(
    name: Annotated[str, typer.Argument(help="Name of the bucket, without s3://.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Make the bucket and set all of it. Default: print what would be set.")
    ] = False,
    retention_days: Annotated[int, typer.Option(min=1, max=36_500, help="Days for which nothing can be deleted.")] = 3_650,
    governance: Annotated[
        bool, typer.Option("--governance", help="Object Lock in GOVERNANCE mode, which an administrator can lift.")
    ] = False,
    administrator: Annotated[
        str | None, typer.Option(help="ARN of the only role that may change the rules of the bucket. Default: nobody.")
    ] = None,
) -> None:
    """Make a bucket for recordings in which nothing can be replaced or deleted: versioning, Object Lock, policy, lifecycle.

    Without `--apply` it prints the documents, for a review or for tools of your own, with the policies of the two roles that use
    it: the ingestion API may write what is new, the pipeline may read, and neither may delete.

    Example: `assay recordings bucket my-lab-recordings --administrator arn:aws:iam::111122223333:role/Admin`
    """
    from assay.settings import Settings
    from assay.storage.recording_bucket import BucketRules, documents, prepare

    rules = BucketRules(retention_days=retention_days, mode="GOVERNANCE" if governance else "COMPLIANCE")
    if not apply:
        print_json(documents(name, rules, administrator))
        return
    settings = Settings()
    prepare(name, rules, administrator=administrator, region=settings.storage_region, endpoint=settings.storage_endpoint)
    typer.echo(f"s3://{name} is ready: set ASSAY_RECORDINGS_URL=s3://{name}")


@app.command()
def reprocess(
    processor: Annotated[str | None, typer.Option(help="Only files of this processor, such as `edf`. Default: all.")] = None,
    session: Annotated[list[str] | None, typer.Option(help="Only this session; may be given several times.")] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Also what the version of now has done; for files that `assay fsck` misses.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which files, process nothing.")] = False,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Only this dataset. Default: every dataset with recordings.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Process files again whose outputs are of an older version of their processor; what it made stays beside.

    A new version never reprocesses by itself. `--anew` needs `--session` or `--processor`.

    Example: `assay recordings reprocess --processor edf --dry-run`
    """
    from assay.database.recordings import datasets_with_recordings
    from assay.preprocess import again
    from assay.workspace import open_workspace

    if anew and not (processor or session):
        raise typer.BadParameter("--anew processes what is done already; name it with --session or --processor")
    rows: list[dict[str, Any]] = []
    done = 0
    with open_workspace(dataset) as workspace, progress():
        for name in [dataset] if dataset else datasets_with_recordings(workspace.engine):
            labs = workspace.of_dataset(name)
            choose = again.everything if anew else again.outdated
            found = choose(labs, processor=processor, sessions=session or ())
            rows += [{"dataset": name} | {str(key): value for key, value in row.items()} for row in found.to_dict("records")]
            if not dry_run:
                done += again.reprocess(labs, found, anew=anew)
    if as_json:
        print_json({"files": rows, "processed": done})
        return
    columns = ("session", "path", "processor", "version", "newest", "dataset")
    print_table("Files of recordings", columns, rows, empty="no output is of an older version of its processor")
    typer.echo(f"would process {len(rows)} files again" if dry_run else f"processed {done} files again")
