"""`assay recordings`: where recordings lie, and which there are."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.commands.options import print_json

app = typer.Typer(no_args_is_help=True, help="Recordings of labs: the bucket that they lie in.")


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
