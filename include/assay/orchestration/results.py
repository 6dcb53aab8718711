"""The numbers of this host at the end of a run: read from the ledger, shown as a table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.table import Table

from assay.database.ledger import Accounting
from assay.workspace import Workspace

SHOWN = (
    ("stream", "triad_bandwidth", "STREAM triad"),
    ("stream", "copy_bandwidth", "STREAM copy"),
    ("hpl", "gflops", "LU solve"),
    ("cache_latency", "dram_latency", "memory latency"),
)
"""Benchmark, metric and name of what the table shows."""


_SHORT = {"nanoseconds": "ns"}


@dataclass(frozen=True)
class Figure:
    """One published number of this host: the median of n executions, its interval, and the spread in percent."""

    host: str
    name: str
    implementation: str
    value: float
    unit: str
    low: float
    high: float
    confidence: float
    n: int
    sessions: int
    cv: float


@dataclass(frozen=True)
class Results:
    """What the ledger says after a run. `snapshot` and `commit` are those of the newest published snapshot, if there is one;
    `accepted` says what somebody would have been asked about, had it not been approved."""

    figures: tuple[Figure, ...]
    accounting: Accounting
    snapshot: str
    commit: str
    accepted: str = ""


def collect_results(workspace: Workspace) -> Results:
    """This host's figures, the accounting and the newest snapshot of the dataset."""
    snapshots = workspace.ledger.snapshots()
    published = snapshots[snapshots["state"] == "published"]
    newest = published.iloc[-1] if len(published) else {"name": "", "commit": "", "content_digest": ""}
    approvals = workspace.ledger.approvals()
    about = approvals[(approvals["content_digest"] == newest["content_digest"]) & (approvals["answer"] == "approved")]
    return Results(
        figures=host_figures(workspace.ledger.statistics(), _this_host(workspace)),
        accounting=workspace.ledger.accounting(),
        snapshot=str(newest["name"]),
        commit=str(newest["commit"]),
        accepted=str(about.iloc[-1]["why"]) if len(about) else "",
    )


def host_figures(statistics: pd.DataFrame, host: str) -> tuple[Figure, ...]:
    """The figures of SHOWN for one host, all threads where there is a choice; one for each implementation."""
    figures = []
    mine = statistics[statistics["subject"] == host]
    for benchmark, metric, name in SHOWN:
        found = mine[(mine["benchmark"] == benchmark) & (mine["metric"] == metric)]
        if (found["threads"] == "all").any():
            found = found[found["threads"] == "all"]
        rows: list[dict[Hashable, Any]] = found.sort_values("n", ascending=False).to_dict("records")
        for row in rows:
            figures.append(
                Figure(
                    host=host,
                    name=name,
                    implementation=row["implementation"],
                    value=row["median"],
                    unit=row["unit"],
                    low=row["ci_low"],
                    high=row["ci_high"],
                    confidence=row["confidence_level"],
                    n=row["n"],
                    sessions=row["sessions"],
                    cv=row["cv"],
                )
            )
    return tuple(figures)


def results_table(figures: Sequence[Figure]) -> Table:
    """The figures as a table for people."""
    title = f"Measured on {figures[0].host}" if figures else "Nothing was measured"
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("benchmark")
    for name in ("median", "95 % interval", "n", "CV"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("by", overflow="fold")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.1f} {_SHORT.get(figure.unit, figure.unit)}",
            _interval(figure),
            f"{figure.n} in {figure.sessions}",
            "" if math.isnan(figure.cv) else f"{figure.cv:.1f} %",
            figure.implementation,
        )
    if figures:
        table.caption = (
            "n: executions in sessions. The interval is that of the median, by order statistics; in brackets its confidence "
            "where n is too small for 95 %."
        )
        table.caption_justify = "left"
    return table


def _interval(figure: Figure) -> str:
    if math.isnan(figure.low):
        return "needs n of 3"
    reached = "" if figure.confidence >= 0.95 else f" ({100 * figure.confidence:.0f} %)"
    return f"{figure.low:,.1f} to {figure.high:,.1f}{reached}"


def _this_host(workspace: Workspace) -> str:
    sessions = workspace.ledger.sessions(kind="instance_benchmark")
    ours = sessions[sessions["source"] == "assay-agent"]
    return str(ours["subject"].iloc[-1]) if len(ours) else ""
