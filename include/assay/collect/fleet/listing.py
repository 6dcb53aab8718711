"""The machines of the ledger as rows for a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from assay.database.machines import MachineEntry

COLUMNS = ("machine", "state", "why", "session", "place", "market", "minutes", "usd", "gone")


def machine_rows(entries: Iterable[MachineEntry], now: datetime) -> list[dict[str, Any]]:
    """One row a machine, columns COLUMNS: `minutes` and what they cost (USD) from its start to its end, or until now."""
    return [
        {
            "run": entry.run,
            "machine": entry.slot if entry.attempt == 1 else f"{entry.slot}, attempt {entry.attempt}",
            "type": entry.instance_type,
            "state": entry.state,
            "why": f"{entry.failure}: {entry.says}" if entry.failure and not _told(entry) else entry.says,
            "session": entry.session or "",
            "place": entry.zone or "",
            "market": entry.market or "",
            "minutes": "" if (minutes := minutes_of(entry, now)) is None else f"{minutes:.1f}",
            "usd": "" if (usd := dollars_of(entry, now)) is None else f"{usd:.4f}",
            "gone": "" if entry.instance_id is None else "yes" if entry.ended_at is not None else "NO",
        }
        for entry in entries
    ]


def minutes_of(entry: MachineEntry, now: datetime) -> float | None:
    """How long a machine ran, or runs, in minutes; None where it was not started."""
    if entry.launched_at is None:
        return None
    return max(((entry.ended_at or now) - entry.launched_at).total_seconds(), 0.0) / 60


def dollars_of(entry: MachineEntry, now: datetime) -> float | None:
    """What a machine cost until now, in USD at the price of its plan, without volume and address; None where it is not known."""
    minutes = minutes_of(entry, now)
    return None if minutes is None or entry.hourly_price is None else minutes / 60 * entry.hourly_price


def as_json(entries: Iterable[MachineEntry]) -> list[dict[str, Any]]:
    """The rows as the ledger has them, for scripts."""
    return [asdict(entry) for entry in entries]


def _told(entry: MachineEntry) -> bool:
    return entry.says.startswith(entry.failure)
