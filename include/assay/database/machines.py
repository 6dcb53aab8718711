"""The machines of the fleet in the ledger. Every entry may be made again, and what is over is not undone by what came before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from assay.database.copy import storable
from assay.database.words import OPEN, MachineState

MAX_SAYS_CHARS = 1_000

_COLUMNS = (
    "run, slot, attempt, dataset, origin, instance_type, state, failure, says, session, region, zone, market, instance_id, "
    "hourly_price, emulated, planned_at, launched_at, deadline, changed_at, ended_at"
)
_KEY = "run = :run AND slot = :slot AND attempt = :attempt"


@dataclass(frozen=True)
class MachineKey:
    """Which machine: `slot` is its name in the run, `attempt` counts from 1."""

    run: str
    slot: str
    attempt: int


@dataclass(frozen=True)
class Started:
    """A machine that was started; `hourly_price` in USD, None where it is not known."""

    key: MachineKey
    instance_type: str
    region: str
    zone: str
    market: str
    instance_id: str
    launched_at: datetime
    deadline: datetime | None
    emulated: bool
    origin: str = ""
    hourly_price: float | None = None


@dataclass(frozen=True)
class MachineEntry:
    """One row of the table, which see for its columns (docs/database.md)."""

    run: str
    slot: str
    attempt: int
    dataset: str
    origin: str
    instance_type: str
    state: str
    failure: str
    says: str
    session: str | None
    region: str | None
    zone: str | None
    market: str | None
    instance_id: str | None
    hourly_price: float | None
    emulated: bool
    planned_at: datetime
    launched_at: datetime | None
    deadline: datetime | None
    changed_at: datetime
    ended_at: datetime | None

    @property
    def key(self) -> MachineKey:
        """Which machine it is."""
        return MachineKey(self.run, self.slot, self.attempt)


def note_planned(connection: Connection, dataset: str, run: str, machines: Iterable[tuple[str, str]], origin: str) -> None:
    """Enter the machines of a run, each a name and a type, before any is started."""
    rows = [{"dataset": dataset, "run": run, "origin": origin, "slot": slot, "type": type_} for slot, type_ in machines]
    if rows:
        connection.execute(
            text(
                "INSERT INTO assay.machines (run, slot, attempt, dataset, origin, instance_type, state, failure, says, emulated) "
                "VALUES (:run, :slot, 1, :dataset, :origin, :type, 'planned', '', '', false) ON CONFLICT DO NOTHING"
            ),
            rows,
        )


def note_started(connection: Connection, dataset: str, started: Started) -> None:
    """Enter that a machine runs, or that it was found where it was started before; what it reported meanwhile stays."""
    key = started.key
    connection.execute(
        text(
            "INSERT INTO assay.machines AS m (run, slot, attempt, dataset, origin, instance_type, state, failure, says, region, "
            "zone, market, instance_id, hourly_price, emulated, launched_at, deadline) VALUES (:run, :slot, :attempt, :dataset, "
            ":origin, :type, 'launched', '', '', :region, :zone, :market, :instance_id, :price, :emulated, :launched_at, "
            ":deadline) ON CONFLICT (dataset, run, slot, attempt) DO UPDATE SET region = excluded.region, zone = excluded.zone, "
            "market = excluded.market, instance_id = excluded.instance_id, emulated = excluded.emulated, "
            "hourly_price = coalesce(excluded.hourly_price, m.hourly_price), "
            "launched_at = coalesce(m.launched_at, excluded.launched_at), deadline = excluded.deadline, ended_at = NULL, "
            "changed_at = now(), failure = CASE WHEN m.state = 'stored' THEN m.failure ELSE '' END, "
            "says = CASE WHEN m.state = ANY(:before) THEN '' ELSE m.says END, "
            "state = CASE WHEN m.state = ANY(:before) THEN 'launched' ELSE m.state END"
        ),
        {
            "run": key.run,
            "slot": key.slot,
            "attempt": key.attempt,
            "dataset": dataset,
            "origin": started.origin,
            "type": started.instance_type,
            "region": started.region,
            "zone": started.zone,
            "market": started.market,
            "instance_id": started.instance_id,
            "price": started.hourly_price,
            "emulated": started.emulated,
            "launched_at": started.launched_at,
            "deadline": started.deadline,
            "before": [
                str(state) for state in MachineState if state not in (*OPEN[1:], MachineState.UPLOADED, MachineState.STORED)
            ],
        },
    )


def note_not_started(
    connection: Connection, dataset: str, run: str, slot: str, instance_type: str, *, failure: str, says: str, origin: str = ""
) -> None:
    """Enter why no machine was started for a session: beside the machines that were, where there are any."""
    number = connection.execute(
        text("SELECT attempt, instance_id FROM assay.machines WHERE run = :run AND slot = :slot ORDER BY attempt DESC LIMIT 1"),
        {"run": run, "slot": slot},
    ).one_or_none()
    attempt = 1 if number is None else number.attempt + (number.instance_id is not None)
    connection.execute(
        text(
            "INSERT INTO assay.machines (run, slot, attempt, dataset, origin, instance_type, state, failure, says, emulated) "
            "VALUES (:run, :slot, :attempt, :dataset, :origin, :type, 'not started', :failure, :says, false) "
            "ON CONFLICT (dataset, run, slot, attempt) DO UPDATE SET state = excluded.state, failure = excluded.failure, "
            "says = excluded.says, changed_at = now()"
        ),
        {
            "run": run,
            "slot": slot,
            "attempt": attempt,
            "dataset": dataset,
            "origin": origin,
            "type": instance_type,
            "failure": failure,
            "says": _short(says),
        },
    )


def note_report(connection: Connection, key: MachineKey, state: str, says: str) -> None:
    """Enter what a machine reports of itself, unless its session is over."""
    _update(connection, key, "state = :state, says = :says", [str(each) for each in OPEN], state=state, says=_short(says))


def note_failed(connection: Connection, key: MachineKey, state: str, failure: str, says: str) -> None:
    """Enter that a session ended without a result, unless it was stored."""
    before = [str(each) for each in MachineState if each is not MachineState.STORED]
    said = "state = :state, failure = :failure, says = :says"
    _update(connection, key, said, before, state=state, failure=failure, says=_short(says))


def note_stored(connection: Connection, key: MachineKey, session: str) -> None:
    """Enter which session was stored of a machine."""
    said = "state = 'stored', failure = '', says = '', session = :session"
    _update(connection, key, said, [str(each) for each in MachineState], session=session)


def note_ended(connection: Connection, run: str, slot: str, says: str, attempt: int | None = None) -> None:
    """Enter that no machine of this name runs any more, or not that of an attempt; one whose session was not over is `ended`,
    with the reason."""
    connection.execute(
        text(
            "UPDATE assay.machines SET ended_at = now(), changed_at = now(), "
            "says = CASE WHEN state = ANY(:open) THEN :says ELSE says END, "
            "state = CASE WHEN state = ANY(:open) THEN 'ended' ELSE state END "
            "WHERE run = :run AND slot = :slot AND ended_at IS NULL AND instance_id IS NOT NULL "
            "AND (CAST(:attempt AS integer) IS NULL OR attempt = :attempt)"
        ),
        {"run": run, "slot": slot, "attempt": attempt, "open": [str(state) for state in OPEN], "says": _short(says)},
    )


def running_machines(connection: Connection, regions: Sequence[str]) -> list[MachineEntry]:
    """Machines in these regions that are not known to be gone, and those that were planned and not started."""
    return _select(
        connection,
        "ended_at IS NULL AND (region = ANY(:regions) OR (instance_id IS NULL AND state = 'planned'))",
        {"regions": list(regions)},
    )


def known_instances(connection: Connection, instance_ids: Iterable[str]) -> set[str]:
    """Those of the instances that are in the ledger, in whatever state."""
    query = text("SELECT instance_id FROM assay.machines WHERE instance_id = ANY(:ids)")
    return set(connection.execute(query, {"ids": list(instance_ids)}).scalars())


def list_machines(connection: Connection, dataset: str, run: str | None = None) -> list[MachineEntry]:
    """Every machine of a dataset, or of a run; the run that was planned first comes first."""
    found = _select(
        connection, "dataset = :dataset AND (CAST(:run AS text) IS NULL OR run = :run)", {"dataset": dataset, "run": run}
    )
    first: dict[str, datetime] = {}
    for entry in found:
        first[entry.run] = min(entry.planned_at, first.get(entry.run, entry.planned_at))
    return sorted(found, key=lambda entry: (first[entry.run], entry.run, entry.slot, entry.attempt))


def newest_attempt(connection: Connection, dataset: str, run: str, slot: str) -> MachineEntry | None:
    """The last machine of a name in a run; None where none was planned."""
    wanted = {"dataset": dataset, "run": run, "slot": slot}
    found = _select(connection, "dataset = :dataset AND run = :run AND slot = :slot", wanted)
    return found[-1] if found else None


def _select(connection: Connection, where: str, parameters: dict[str, Any]) -> list[MachineEntry]:
    rows = connection.execute(
        text(f"SELECT {_COLUMNS} FROM assay.machines WHERE {where} ORDER BY run, slot, attempt"),  # noqa: S608 - constants
        parameters,
    )
    return [MachineEntry(*row) for row in rows]


def _update(connection: Connection, key: MachineKey, said: str, before: list[str], **values: Any) -> None:
    connection.execute(
        text(f"UPDATE assay.machines SET {said}, changed_at = now() WHERE {_KEY} AND state = ANY(:before)"),  # noqa: S608
        {"run": key.run, "slot": key.slot, "attempt": key.attempt, "before": before, **values},
    )


def _short(says: str) -> str:
    return storable(says)[:MAX_SAYS_CHARS]
