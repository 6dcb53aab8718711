"""What `assay run-fleet` says at its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from assay.collect.fleet.listing import dollars_of, minutes_of
from assay.database.machines import MachineEntry

if TYPE_CHECKING:
    from assay.emulator.account import Left

PIPE_WIDTH = 120
"""A pipe has no width of its own; at 80 columns ids would be broken."""

NOTE = (
    "Emulated: each session measured this host, one at a time but beside Airflow, and bears the host's label. The figures show",
    "that the path works, and nothing of an EC2 type. minutes: from launch to end, with the wait for its turn; USD: what EC2",
    "would have asked for them, on demand, without volume and address.",
)


@dataclass(frozen=True)
class FleetReport:
    """How a run ended: `failure` says what went wrong, empty if nothing did; `left` is what the emulated account still has.

    `sessions`: label (the subject that it is published under) and verdict, by session; `calls`: of EC2, by action.
    """

    failure: str
    types: tuple[str, ...]
    machines: tuple[MachineEntry, ...]
    sessions: dict[str, tuple[str, str]]
    left: Left
    folder: Path
    calls: dict[str, int]

    @property
    def succeeded(self) -> bool:
        """Whether every type that was asked for has a session, and nothing is left."""
        measured = {entry.instance_type for entry in self.machines if entry.session}
        return not self.failure and self.left.nothing and measured >= set(self.types)


def print_report(console: Console, report: FleetReport) -> None:
    """Print the machines, where the results lie, and in the last line what is left in the emulated account."""

    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)

    table = Table(title="Machines of an emulated EC2", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("type", "state", "session", "label", "verdict"):
        table.add_column(name, overflow="fold")
    for name in ("minutes", "USD"):
        table.add_column(name, justify="right", no_wrap=True)
    now = datetime.now(UTC)
    for entry in report.machines:
        minutes, usd = minutes_of(entry, now), dollars_of(entry, now)
        table.add_row(
            entry.instance_type,
            entry.state if entry.session else f"{entry.state}: {entry.failure or entry.says}",
            entry.session or "",
            *report.sessions.get(entry.session or "", ("", "")),
            "" if minutes is None else f"{minutes:.1f}",
            "" if usd is None else f"{usd:.4f}",
        )
    say("")
    if not console.is_terminal:
        console.width = max(console.width, PIPE_WIDTH)
    console.print(table)
    for line in NOTE:
        say(line)
    asked = ", ".join(f"{name} {count}" for name, count in sorted(report.calls.items()) if name.startswith(("Run", "Terminate")))
    say(f"calls      {asked}")
    say(f"results    {report.folder}: raw/ as stored, processed/, and what each machine uploaded in incoming/")
    for missing in sorted(set(report.types) - {entry.instance_type for entry in report.machines}):
        say(f"{missing}: no machine was planned; the log of plan_fleet says why", "red")
    if report.failure:
        say(report.failure, "red")
    say(str(report.left))
