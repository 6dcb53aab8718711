"""`assay keys`: who may bring and read recordings through the ingestion API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from assay.commands.options import AsJson, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="API keys of the ingestion API: one for each lab machine and each reader.")

_COLUMNS = ("key", "lab", "dataset", "rights", "networks", "state", "note")


@app.command()
def create(
    lab: Annotated[str, typer.Option(help="Lab that it is for: the subject of the sessions that it may bring and read.")],
    right: Annotated[
        list[str], typer.Option(help="What it may: `upload` (a lab machine) or `read` (a researcher); may be given twice.")
    ] = ["upload"],  # noqa: B006 - typer reads it, nobody changes it
    network: Annotated[
        list[str], typer.Option(help="Network that it may be used from, as CIDR; may be given several times. Default: any.")
    ] = [],  # noqa: B006
    days: Annotated[int | None, typer.Option(min=1, max=3_650, help="Days until it expires. Default: never.")] = None,
    per_minute: Annotated[int, typer.Option(min=1, max=1_000_000, help="Requests a minute that it may make.")] = 600,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    dataset: Annotated[str, typer.Option(help="Dataset that its sessions belong to.")] = "recordings",
) -> None:
    """Make a key and print it, once: only a hash of it is kept.

    Example: `assay keys create --lab sleep-lab --network 192.0.2.0/24 --days 365 --note "recorder in room 3"`
    """
    from assay.database.keys import create_key
    from assay.workspace import open_workspace

    with open_workspace() as workspace, workspace.engine.begin() as connection:
        key = create_key(
            connection,
            lab=lab,
            dataset=dataset,
            rights=right,
            networks=network,
            requests_per_minute=per_minute,
            expires_at=datetime.now(UTC) + timedelta(days=days) if days else None,
            note=note,
        )
    typer.echo(key)
    typer.echo("it is shown this once; on the lab machine: ASSAY_SHIP_KEY=<key> assay ship watch DIR", err=True)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every key, without its secret: lab, rights, networks, and whether it is valid.

    Example: `assay keys list`
    """
    from assay.database.keys import list_keys
    from assay.workspace import open_workspace

    with open_workspace() as workspace, workspace.engine.connect() as connection:
        found = list_keys(connection)
    now = datetime.now(UTC)
    rows = []
    for row in ({str(name): value for name, value in each.items()} for each in found.to_dict("records")):
        expired = row["expires_at"] is not None and row["expires_at"] <= now
        rows.append({**row, "state": "revoked" if row["revoked_at"] is not None else "expired" if expired else "valid"})
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "rights": ", ".join(row["rights"]), "networks": ", ".join(row["networks"]) or "any"} for row in rows]
    print_table("API keys", _COLUMNS, shown, empty="no key yet: `assay keys create --lab NAME` makes one")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="Name of the key, as `assay keys list` shows it.")]) -> None:
    """Revoke a key: it and its tokens are refused from now on. Revoking again changes nothing.

    Example: `assay keys revoke w7hkpb5zs66s`
    """
    from assay.database.keys import revoke_key
    from assay.workspace import open_workspace

    with open_workspace() as workspace, workspace.engine.begin() as connection:
        revoke_key(connection, key)
    typer.echo(f"key {key} is revoked")


@app.command()
def audit(
    lab: Annotated[str | None, typer.Option(help="Only what this lab did.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many entries, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what every admitted key asked of the ingestion API, and what of it was refused; who was not let in is in its log.

    Example: `assay keys audit --lab sleep-lab --json | jq '.[] | select(.action == "failure")'`
    """
    from assay.database.uploads import read_audit
    from assay.workspace import open_workspace

    with open_workspace() as workspace, workspace.engine.connect() as connection:
        rows = [
            {str(name): value for name, value in row.items()}
            for row in read_audit(connection, lab=lab, limit=limit).to_dict("records")
        ]
    if as_json:
        print_json(rows)
        return
    columns = ("at", "lab", "key", "address", "action", "session", "outcome", "detail")
    print_table("Ingestion API", columns, rows, empty="nothing was asked of the ingestion API yet")
