"""`assay sessions`: where every session stands."""

from __future__ import annotations

from typing import Any

import typer

from assay.commands.options import AsJson, Dataset, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Where every session stands on its path.")

_COLUMNS = ("session", "subject", "source_file", "state", "verdict", "warnings")


@app.command("list")
def list_(dataset: Dataset = None, as_json: AsJson = False) -> None:
    """List every session with its state, its verdict and the rules that warn about it.

    Example: `assay sessions list --json | jq '.[] | select(.verdict == "quarantined")'`
    """
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace:
        sessions = workspace.ledger.sessions()
        findings = workspace.ledger.findings()
    warned = findings[findings["severity"] == "warning"].groupby("session")["rule"].agg(lambda rules: sorted(set(rules)))
    rows: list[dict[str, Any]] = [
        {
            "session": row.session,
            "kind": row.kind,
            "subject": row.subject,
            "source_file": row.source_file,
            "state": row.state,
            "verdict": row.verdict,
            "warnings": warned.get(row.session, []),
        }
        for row in sessions.itertuples()
    ]
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "warnings": ", ".join(map(str, row["warnings"]))} for row in rows]
    print_table(
        "Sessions", _COLUMNS, shown, empty="no session yet: `assay run` measures this host, `assay import` takes others' data"
    )
