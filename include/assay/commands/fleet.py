"""`assay plan` and `assay reap`: what a run on EC2 would start and cost, and the end of what should not run any more."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from assay.commands.options import AsJson, print_json, print_table


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
        typer.Option("--executions", min=1, max=100, help="Executions of every tool. Default: ASSAY_FLEET_EXECUTIONS."),
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


def reap(
    region: Annotated[
        list[str] | None, typer.Option("--region", help="AWS region; may be given several times. Default: ASSAY_FLEET_REGIONS.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be ended, end nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """End every machine of ours on EC2 that outlived its deadline, and volumes and spot requests that no machine uses.

    Looks at EC2's own inventory by tag, in all regions where machines may be started, and at no state of ours. What is still
    within its deadline is left alone.

    Example: `assay reap --dry-run`
    """
    from dataclasses import asdict

    from assay.collect.fleet.reap import reap as reap_regions
    from assay.settings import Settings

    found = [asdict(each) for each in reap_regions(region or Settings().machine_regions, dry_run=dry_run)]
    title = "Would be ended" if dry_run else "Ended"
    columns = ("what", "id", "region", "run", "slot", "reason")
    print_json(found) if as_json else print_table(title, columns, found, empty="nothing is left over")


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(plan)
    app.command()(reap)
