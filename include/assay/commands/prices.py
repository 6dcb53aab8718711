"""`assay reference prices`: what instance types cost, from whom and as of when."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assay.commands.options import AsJson, print_json, print_table
from assay.errors import AssayError

app = typer.Typer(no_args_is_help=True, help="What instance types cost on demand, from whom and as of when.")

Region = Annotated[
    list[str] | None, typer.Option("--region", help="AWS region; may be given several times. Default: ASSAY_PRICE_REGIONS.")
]


@app.command()
def refresh(region: Region = None, as_json: AsJson = False) -> None:
    """Read the AWS Price List API and keep what changed; the former prices stay as history.

    Needs AWS credentials that may call pricing:GetProducts. Prints how many prices are new, changed and gone in each region.

    Example: `assay reference prices refresh --region us-east-1`
    """
    from assay.reference.prices.refresh import refresh_prices
    from assay.workspace import open_workspace

    with open_workspace() as workspace:
        settings = workspace.settings
        found = refresh_prices(
            workspace.engine,
            region or settings.regions,
            endpoint=settings.price_endpoint,
            progress=lambda text: typer.echo(text, err=True),
        )
    rows = [
        {
            "region": name,
            "new": len(each.new),
            "changed": len(each.changed),
            "gone": len(each.gone),
            "unchanged": each.unchanged,
        }
        for name, each in found.items()
    ]
    print_json(rows) if as_json else print_table("Prices", tuple(rows[0]), rows, empty="no region")


@app.command("list")
def list_(
    instances: Annotated[list[str] | None, typer.Argument(help="Instance types. Default: every type that is known.")] = None,
    region: Region = None,
    history: Annotated[bool, typer.Option("--history", help="Every price that one type ever had, as price lists said.")] = False,
    as_json: AsJson = False,
) -> None:
    """List hourly on-demand prices with source and day, or the reason why there is none.

    Example: `assay reference prices list m7i.large c7g.large --region us-east-1`
    """
    from assay.workspace import open_workspace

    if history and (not instances or len(instances) != 1):
        raise AssayError("--history is of one instance type: name it, such as `assay reference prices list m7i.large --history`")
    with open_workspace() as workspace:
        if history:
            assert instances
            rows, columns = _history(workspace.engine, instances[0])
        else:
            rows, columns = _known(workspace.engine, instances, region or list(workspace.settings.regions))
    print_json(rows) if as_json else print_table("Prices", columns, rows, empty="no price list was ever read")


def _known(engine: Any, instances: list[str] | None, regions: list[str]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    from assay.reference import catalogue
    from assay.reference.names import is_instance_type
    from assay.reference.prices import PRICE_COLUMNS
    from assay.reference.prices.known import known_prices

    names = instances or catalogue.frame()["instance_type"].tolist()
    for name in names:
        if not is_instance_type(name):
            raise AssayError(f"{name[:80]!r} is no instance type; expected a name like 'm7i.large'")
    return _rows(known_prices(engine, names, regions)), PRICE_COLUMNS


def _history(engine: Any, instance: str) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    from assay.database.prices import PRICE_ROW_COLUMNS, price_history

    with engine.connect() as connection:
        return _rows(price_history(connection, instance)), PRICE_ROW_COLUMNS


def _rows(frame: Any) -> list[dict[str, Any]]:
    return [{name: None if value != value else value for name, value in row.items()} for row in frame.to_dict("records")]
