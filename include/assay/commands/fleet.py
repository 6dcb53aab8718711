"""`assay plan`, `assay fleet`, `assay reap`: what a run on EC2 would start and cost, where its machines stand, and the end of
what should not run any more."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from assay.commands.options import AsJson, Dataset, print_json, print_table


class MarketChoice(StrEnum):
    """How machines are paid for."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"


def plan(
    types: Annotated[list[str], typer.Argument(help="Families (m7i), types (c7g.large) or patterns ('r7*.large').")],
    region: Annotated[
        list[str] | None, typer.Option("--region", help="AWS region; may be given several times. Default: ASSAY_FLEET_REGIONS.")
    ] = None,
    market: Annotated[
        MarketChoice | None,
        typer.Option("--market", help="spot (falls back to on-demand) or on-demand. Default: ASSAY_FLEET_MARKET."),
    ] = None,
    machines: Annotated[int, typer.Option("--machines", min=1, max=20, help="Machines of each type, one session each.")] = 1,
    executions: Annotated[
        int | None,
        typer.Option("--executions", min=1, max=100, help="Executions of every tool, at least. Default: ASSAY_FLEET_EXECUTIONS."),
    ] = None,
    max_dollars: Annotated[
        float | None, typer.Option("--max-dollars", min=0, help="Lower the limit ASSAY_FLEET_MAX_DOLLARS for this plan.")
    ] = None,
    max_instances: Annotated[
        int | None, typer.Option("--max-instances", min=0, help="Lower the limit ASSAY_FLEET_MAX_INSTANCES for this plan.")
    ] = None,
    max_hours: Annotated[
        float | None, typer.Option("--max-hours", min=0.1, help="Lower the limit ASSAY_FLEET_MAX_HOURS for this plan.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use the tables that come with Assay, ask AWS nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which EC2 machines a run would start, where, for how long and for how much; starts nothing.

    Lists the types that cannot be measured, each with the reason, and the quotas that the run would meet. Exits with 1 where
    something stops the run: a limit, or a name that no type has. Without AWS credentials the tables of Assay itself are used.

    Example: `assay plan m7i c7g.large --region us-east-1 --max-dollars 5`
    """
    from assay.collect.fleet import show
    from assay.collect.fleet.planning import fleet_request, plan_fleet
    from assay.workspace import open_workspace

    with open_workspace() as workspace:
        request = fleet_request(
            workspace.settings,
            types,
            regions=region,
            market=market,
            machines_per_type=machines,
            executions=executions,
            max_dollars=max_dollars,
            max_instances=max_instances,
            max_hours=max_hours,
        )
        made = plan_fleet(workspace.engine, request, offline=True if offline else None)
    if as_json:
        print_json(show.as_json(made))
    else:
        print_table("Plan", show.COLUMNS, show.machine_rows(made), empty="no machine is planned")
        if made.excluded:
            print_table("Excluded", ("type", "reason"), show.excluded_rows(made), empty="")
        if made.quotas:
            print_table("Quotas (vCPU)", ("quota", "allowed", "running", "planned"), show.quota_rows(made), empty="")
        typer.echo(show.summary(made))
        for note in made.notes:
            typer.echo(f"note: {note}")
        for stop in made.stops:
            typer.secho(f"stops it: {stop}", fg=typer.colors.RED)
    raise typer.Exit(1 if made.stops else 0)


def fleet(
    run: Annotated[str | None, typer.Option("--run", help="Name of a run, as the column shows it. Default: the newest.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The machines of every run.")] = False,
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """Show where every machine of a run on EC2 stands: planned, launched, what its agent reports, stored; or why it is not.

    `gone`: whether it is known not to run any more. `usd`: what it cost until then, without volume and address. The states are
    those of the ledger, which `reap_instances` (and `assay reap`) bring to what EC2 says.

    Example: `assay fleet --json | jq '.[] | select(.state == "lost")'`
    """
    from datetime import UTC, datetime

    from assay.collect.fleet import listing
    from assay.database.machines import list_machines
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, workspace.engine.connect() as connection:
        entries = list_machines(connection, workspace.dataset, run)
    if run is None and not everything:
        entries = [entry for entry in entries if entry.run == entries[-1].run]
    if as_json:
        print_json(listing.as_json(entries))
        return
    rows = listing.machine_rows(entries, datetime.now(UTC))
    for name in dict.fromkeys(entry.run for entry in entries) or [""]:
        print_table(
            f"Run {name}",
            listing.COLUMNS,
            [row for row in rows if row["run"] == name],
            empty="no machine yet: `assay plan` shows what a run would start",
        )


def reap(
    region: Annotated[
        list[str] | None, typer.Option("--region", help="AWS region; may be given several times. Default: ASSAY_FLEET_REGIONS.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be ended, end nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """End every machine of ours on EC2 that outlived its deadline, and volumes and spot requests that no machine uses.

    Looks at EC2's own inventory by tag, in all regions where machines may be started, and at no state of ours. What is still
    within its deadline is left alone. Then the ledger is brought to what EC2 says, unless it is a dry run.

    Example: `assay reap --dry-run`
    """
    from dataclasses import asdict

    from assay.collect.fleet.reap import reap as reap_regions
    from assay.collect.fleet.settle import settle
    from assay.settings import Settings
    from assay.workspace import open_workspace

    regions = region or Settings().machine_regions
    reaped = reap_regions(regions, dry_run=dry_run)
    found = [asdict(each) for each in reaped]
    title = "Would be ended" if dry_run else "Ended"
    columns = ("what", "id", "region", "run", "slot", "reason")
    print_json(found) if as_json else print_table(title, columns, found, empty="nothing is left over")
    if not dry_run:  # last: what must go is gone, and told, whether or not there is a database
        with open_workspace() as workspace:
            settle(workspace, regions, reaped)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(plan)
    app.command()(fleet)
    app.command()(reap)
