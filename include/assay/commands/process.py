"""`assay import`, `process`, `recheck`, `compact`, `publish` and `rollback`: the stages of the path, one command each."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.commands import daily
from assay.commands.options import AsJson, Dataset, Doing, account, counted, megabytes, print_json, progress

if TYPE_CHECKING:
    from assay.notify.deliver import Told
    from assay.process import Outcome
    from assay.publish.approval import Question, Reply
    from assay.workspace import Workspace


def import_(
    source: Annotated[str, typer.Argument(help="Format: `aws-instance-benchmarks` or `spare-cores`.")],
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with that source's raw files.")],
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """Take other people's raw results in as sessions, bytes untouched, with their source and licence.

    The same bytes give the same sessions: importing again changes nothing. A dataset has one licence; data under another
    goes into a dataset of its own. `assay process` judges what was imported.

    Example: `assay import spare-cores ~/sc-inspector-data --dataset spare-cores`
    """
    from assay.collect.imports import import_folder
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress() as tell:
        report = import_folder(workspace, source, folder, progress=lambda read: tell(f"{read} results read"))
    counts = {
        "read": report.read,
        "imported": report.imported,
        "already_there": report.already_there,
        "rejected": report.rejected,
    }
    print_json(counts) if as_json else typer.echo(counted(counts))


process_group = typer.Typer(invoke_without_command=True)
process_group.command()(daily.daily)


@process_group.callback()
def process(context: typer.Context, dataset: Dataset = None, as_json: AsJson = False) -> None:
    """Judge every session that has arrived: verify, read, check, summarize. Run it at any time.

    Prints how many sessions came out accepted and quarantined; the counts always close: read = accepted + quarantined + rejected.

    Example: `assay process --json`
    """
    from assay.process import process_arrived
    from assay.workspace import open_workspace

    if context.invoked_subcommand is not None:
        return
    with open_workspace(dataset) as workspace, progress() as tell:
        outcome = process_arrived(workspace, tell)
    _report(outcome, as_json)


def recheck(dataset: Dataset = None, as_json: AsJson = False) -> None:
    """Judge every session again, after a rule was corrected; the next snapshot says what changed.

    Example: `assay recheck`
    """
    from assay.process import recheck_all
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress():
        outcome = recheck_all(workspace)
    _report(outcome, as_json)


def compact(
    dataset: Dataset = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be put together, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put the many small files of measurements that sessions leave together into few large ones, for each kind and day.

    The rows stay the same and so does all that is published. `assay process` does it by itself where sixteen small files have
    gathered; killed at any point it does no harm. With --json: partitions (kind and day), batches and bytes that were put
    together, the large batches that they went into (a dry run does not know them), and replaced batches removed.

    Example: `assay compact --dry-run`
    """
    from assay.read.compaction import compact as compact_batches
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress():
        done = compact_batches(workspace, dry_run=dry_run)
    if as_json:
        print_json(asdict(done) | ({"into": None, "into_bytes": None} if dry_run else {}))
    elif not done.batches:
        typer.echo(f"nothing to put together{f'; removed {done.removed} replaced files' if done.removed else ''}")
    elif dry_run:
        typer.echo(f"would put {done.batches} files ({megabytes(done.bytes)}) of {done.partitions} days together")
    else:
        typer.echo(
            f"put {done.batches} files ({megabytes(done.bytes)}) of {done.partitions} days together: {done.into} files "
            f"({megabytes(done.into_bytes)}); removed {done.removed}"
        )


def publish(
    dataset: Dataset = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build and validate, show what would change, write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Publish without being asked, whatever moved.")] = False,
    as_name: Annotated[
        str | None,
        typer.Option("--as", help="Your name, for the commit of what you approve. Default: ASSAY_APPROVER; without it, none."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish what was accepted as one immutable snapshot: one commit, one tag, read back before it counts.

    Where values moved beyond noise, types vanished, the schema changed, more new sessions are in quarantine than
    ASSAY_QUARANTINE_THRESHOLD lets pass, or fewer were accepted than ASSAY_QUALITY_THRESHOLD wants, it shows the difference in
    numbers and asks; where nobody can answer it publishes nothing, unless told --yes. Nothing new: nothing is written. Who
    approved goes into the ledger by account, and into the commit by the name given with --as.

    Exit codes: 0 published, or nothing to publish; 1 refused or failed; 2 wrong usage.

    Example: `assay publish --yes --as "Ada Lovelace"`
    """
    from assay.publish.approval import signature
    from assay.publish.snapshot import publish_snapshot
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress() as tell:
        questions: list[Question] = []
        name = signature(as_name or workspace.settings.approver or "")
        ask = partial(_ask, tell, questions, name, yes or dry_run, as_json)
        snapshot = publish_snapshot(workspace, dry_run=dry_run, ask=ask)
        told = None if dry_run else _tell(workspace)
    if as_json:
        reasons = [reason.text for question in questions[-1:] for reason in question.reasons]
        print_json(asdict(snapshot) | {"needs_approval": reasons, "told": [] if told is None else told.delivered})
    elif not snapshot.changed:
        typer.echo(f"nothing to publish: the dataset has not changed since snapshot {snapshot.name}")
    else:
        done = "would publish" if dry_run else "published"
        typer.echo(f"{done} snapshot {snapshot.name} ({len(snapshot.files)} files) {snapshot.commit or ''} in {snapshot.path}")
        if snapshot.thinned:
            gone = "would leave" if dry_run else "left"
            typer.echo(f"{len(snapshot.thinned)} old folders {gone} the branch, their tags stay: {', '.join(snapshot.thinned)}")


def _tell(workspace: Workspace) -> Told | None:
    """Tell downstream; who cannot be told is named, and told by the next run: the snapshot is published all the same."""
    if not workspace.settings.channels:
        return None
    from assay.notify.deliver import notify_downstream

    told = notify_downstream(workspace)
    for failure in told.failed:
        typer.echo(f"not told, the next run tries again: {failure}", err=True)
    return told


def _ask(tell: Doing, questions: list[Question], name: str, decided: bool, as_json: bool, question: Question) -> Reply:
    """Show what needs approval, and ask the person at the terminal unless it is decided; refuse where there is nobody."""
    from assay.database.words import Answer
    from assay.publish.approval import NotApproved, Reply
    from assay.publish.summary import as_text

    questions.append(question)
    if not decided and (as_json or not sys.stdin.isatty()):
        raise NotApproved(
            f"{question.why}: nothing was published. Look with `assay publish --dry-run`, then publish with `--yes`"
        )
    with tell.paused():
        typer.echo(as_text(question.summary), err=True)
        approved = decided or typer.confirm("Publish all the same?", default=False, err=True)
    return Reply(Answer.APPROVED if approved else Answer.REFUSED, account(), name)


def rollback(
    snapshot: Annotated[str, typer.Argument(help="Name of a published snapshot, such as 2024-11-20.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is published in the commit message.")],
    as_name: Annotated[
        str | None, typer.Option("--as", help="Your name, for the commit. Default: ASSAY_APPROVER; without it, none.")
    ] = None,
    dataset: Dataset = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a former snapshot as the newest, by a new commit; nothing that was published is changed or removed.

    It gets a name, a folder and a tag of its own, `latest/` says what the former said, and `changes.json` what that changes. The
    former is read from its tag, also where its folder was thinned. The next publication follows the sessions again: quarantine
    what was wrong (`assay quarantine`), or pause the DAG `publish_snapshot`, or the same data comes back.

    Example: `assay rollback 2024-11-20 --reason "clock of the lab host was wrong"`
    """
    from assay.publish.rollback import rollback as roll_back
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress():
        name = as_name or workspace.settings.approver or ""
        done = roll_back(workspace, snapshot, reason=reason, account=account(), signed_as=name, dry_run=dry_run)
    if as_json:
        print_json(asdict(done))
    elif not done.changed:
        typer.echo(f"nothing to do: snapshot {done.name} is the newest and says what {snapshot} says")
    else:
        said = "would publish" if dry_run else "published"
        typer.echo(f"{said} {snapshot} again as {done.name} ({len(done.files)} files) {done.commit or ''} in {done.path}")


def _report(outcome: Outcome, as_json: bool) -> None:
    counts = asdict(outcome)
    changed = counts.pop("changed")
    if as_json:
        print_json(counts)
        return
    typer.echo(counted(counts))
    if changed:
        named = ", ".join(changed[:5]) + (" ..." if len(changed) > 5 else "")
        typer.echo(f"the verdict of {len(changed)} earlier sessions changed: {named}")
    if outcome.quarantined:
        typer.echo("`assay quarantine list` says why; the raw files are kept")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command("import")(import_)
    app.add_typer(process_group, name="process")
    app.command()(recheck)
    app.command()(compact)
    app.command()(publish)
    app.command()(rollback)
