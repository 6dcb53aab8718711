"""`assay quarantine`: why a session is not published, and the two ways out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assay.commands.options import AsJson, Dataset, account, print_json, print_table, progress
from assay.errors import AssayError

app = typer.Typer(no_args_is_help=True, help="Why a session is not published; release it with a reason, or reject it.")

SHOWN_CHARS = 100
"""Of a message in a list; `show` prints it whole."""

Session = Annotated[str, typer.Argument(help="Session id, as `assay quarantine list` prints it.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept in the ledger.")]
Who = Annotated[str | None, typer.Option("--who", help="Who decides. Default: the user of this shell.")]


@app.command("list")
def list_(dataset: Dataset = None, as_json: AsJson = False) -> None:
    """List the quarantined sessions with the rules that put them there.

    Example: `assay quarantine list --json`
    """
    rows = _quarantined(dataset)
    if as_json:
        print_json(rows)
        return
    shown = [
        {
            "session": row["session"],
            "source_file": row["source_file"],
            "rules": ", ".join(dict.fromkeys(reason["rule"] for reason in row["reasons"])),
            "first_reason": _short(row["reasons"][0]["message"]) if row["reasons"] else "",
        }
        for row in rows
    ]
    print_table("Quarantine", ("session", "source_file", "rules", "first_reason"), shown, empty="nothing is in quarantine")


@app.command()
def show(session: Session, dataset: Dataset = None, as_json: AsJson = False) -> None:
    """Explain one session: every reason with file, value and expected range.

    Example: `assay quarantine show 20250629T081256Z-3fa9c24be01d`
    """
    found = [row for row in _quarantined(dataset) if row["session"] == session]
    if not found:
        raise AssayError(f"{session} is not in quarantine; `assay quarantine list` shows what is")
    if as_json:
        print_json(found[0])
        return
    for reason in found[0]["reasons"]:
        typer.echo(f"{reason['file'] or found[0]['source_file']}: {reason['rule']}: {reason['message']}")
        typer.echo(f"    found {reason['value']}; expected {reason['expected']}")
    typer.echo(
        "The raw files are kept. `assay quarantine release` overrules with a reason; `assay quarantine reject` closes the case."
    )


@app.command()
def release(session: Session, why: Why, who: Who = None, dataset: Dataset = None) -> None:
    """Overrule the rules for one session: it counts as accepted with warnings, and the decision is published with it.

    Example: `assay quarantine release 20250629T081256Z-3fa9c24be01d --why "the machine was replaced, rule too strict"`
    """
    _decide(session, "released", why, who, dataset)


@app.command()
def reject(session: Session, why: Why, who: Who = None, dataset: Dataset = None) -> None:
    """Close the case of one session: it stays out for good and is counted as rejected.

    Example: `assay quarantine reject 20250629T081256Z-3fa9c24be01d --why "the machine was misconfigured"`
    """
    _decide(session, "rejected", why, who, dataset)


def _quarantined(dataset: str | None) -> list[dict[str, Any]]:
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace:
        sessions = workspace.ledger.sessions(verdicts=["quarantined"])
        findings = workspace.ledger.findings(list(sessions["session"]))
    reasons: dict[str, list[dict[str, Any]]] = {}
    for row in findings[findings["severity"] == "quarantine"].itertuples():
        reason = {"rule": row.rule, "file": row.file, "value": row.value, "expected": row.expected, "message": row.message}
        reasons.setdefault(str(row.session), []).append(reason)
    return [
        {"session": row.session, "source_file": row.source_file, "reasons": reasons.get(str(row.session), [])}
        for row in sessions.itertuples()
    ]


def _short(message: str) -> str:
    return message if len(message) <= SHOWN_CHARS else f"{message[: SHOWN_CHARS - 3]}..."


def _decide(session: str, decision: str, why: str, who: str | None, dataset: str | None) -> None:
    from assay.process import recheck_all
    from assay.workspace import open_workspace

    with open_workspace(dataset) as workspace, progress():
        workspace.ledger.decide(session, decision, who=who or account(), why=why)
        recheck_all(workspace)
    typer.echo(f"{session}: {decision}; the next snapshot says so")
