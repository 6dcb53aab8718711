"""`assay sessions`: where every session stands."""

from __future__ import annotations

from typing import Any

import typer

from assay.commands.options import AsJson, Dataset, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Where every session stands on its path.")

_COLUMNS = ("session", "subject", "source_file", "state", "verdict", "raw", "warnings")


@app.command("list")
def list_(dataset: Dataset = None, as_json: AsJson = False) -> None:
    """List every session with its state, its verdict, where its raw files are, and the rules that warn about it.

    `raw`: `stored`; `archived`: stored, and in a proven archive; `cleaned`: in the archive only.

    Example: `assay sessions list --json | jq '.[] | select(.verdict == "quarantined")'`
    """

    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace:
        sessions = workspace.ledger.sessions()
        findings = workspace.ledger.findings()
        archived = workspace.ledger.archived(sessions["session"])
    warned = findings[findings["severity"] == "warning"].groupby("session")["rule"].agg(lambda rules: sorted(set(rules)))
    raw = dict(zip(archived["session"], archived["cleaned_at"].isna().map({True: "archived", False: "cleaned"}), strict=True))
    rows: list[dict[str, Any]] = [
        {
            "session": row.session,
            "kind": row.kind,
            "subject": row.subject,
            "source_file": row.source_file,
            "state": row.state,
            "verdict": row.verdict,
            "raw": raw.get(row.session, "stored"),
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
