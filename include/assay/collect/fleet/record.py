"""What the ledger is told of machines, from their plan to their end."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine

from assay.collect.ec2.failure import FailureClass
from assay.collect.ec2.inventory import Machine
from assay.collect.fleet.launch import Launched, Order
from assay.collect.fleet.names import ATTEMPT, ORIGIN, RUN, SLOT, read_deadline
from assay.database import machines
from assay.database.machines import MachineKey, Started
from assay.database.words import REPORTED, MachineState
from assay.session import parse_time

_STATES = {FailureClass.INTERRUPTED: MachineState.INTERRUPTED, FailureClass.LOST: MachineState.LOST}


def record_planned(engine: Engine, dataset: str, orders: Iterable[Order]) -> None:
    """Enter the machines of a run before any is started. Raises DatabaseUnavailable, as all of these do."""
    with engine.begin() as connection:
        for order in orders:
            found = [(order.machine.slot, order.machine.instance_type)]
            machines.note_planned(connection, dataset, order.run, found, order.origin)


def record_launched(engine: Engine, dataset: str, order: Order, launched: Launched) -> None:
    """Enter a machine that was started, or found where it was started before."""
    place = next((place for place in order.machine.places if place.zone == launched.zone), None)
    price = None if place is None else place.spot if launched.market == "spot" else place.on_demand
    started = Started(
        key_of(launched),
        launched.instance_type,
        launched.region,
        launched.zone,
        launched.market,
        launched.instance_id,
        parse_time(launched.launched_at),
        launched.deadline_at,
        launched.emulated,
        order.origin,
        price,
    )
    with engine.begin() as connection:
        machines.note_started(connection, dataset, started)


def record_not_started(engine: Engine, dataset: str, order: Order, kind: str, says: str) -> None:
    """Enter why no machine was started."""
    with engine.begin() as connection:
        machines.note_not_started(
            connection,
            dataset,
            order.run,
            order.machine.slot,
            order.machine.instance_type,
            failure=kind,
            says=says,
            origin=order.origin,
        )


def record_report(engine: Engine, launched: Launched, reported: str, says: str) -> None:
    """Enter what the agent on a machine reported last, where it is a word that we know."""
    if reported in set(REPORTED):
        with engine.begin() as connection:
            machines.note_report(connection, key_of(launched), reported, says)


def record_outcome(engine: Engine, launched: Launched, outcome: str, says: str) -> None:
    """Enter how the wait for a machine ended: `uploaded`, or a class of failure."""
    with engine.begin() as connection:
        if outcome == MachineState.UPLOADED:
            machines.note_report(connection, key_of(launched), outcome, says)
        else:
            state = _STATES.get(FailureClass(outcome), MachineState.FAILED)
            machines.note_failed(connection, key_of(launched), state, outcome, says)


def record_stored(engine: Engine, launched: Launched, session: str) -> None:
    """Enter which session was stored of a machine."""
    with engine.begin() as connection:
        machines.note_stored(connection, key_of(launched), session)


def record_ended(engine: Engine, run: str, slot: str, says: str, attempt: int | None = None) -> None:
    """Enter that no machine of this name runs any more, or not that of an attempt."""
    with engine.begin() as connection:
        machines.note_ended(connection, run, slot, says, attempt)


def started_of(machine: Machine, emulated: bool) -> Started:
    """What a machine's own tags say, for a ledger that was not told of it."""
    attempt = machine.tags.get(ATTEMPT, "")
    return Started(
        MachineKey(machine.tags[RUN], machine.tags.get(SLOT, ""), int(attempt) if attempt.isascii() and attempt.isdigit() else 1),
        machine.instance_type,
        machine.region,
        machine.zone,
        "spot" if machine.spot else "on-demand",
        machine.instance_id,
        machine.launched_at,
        read_deadline(machine.tags),
        emulated,
        machine.tags.get(ORIGIN, ""),
    )


def key_of(launched: Launched) -> MachineKey:
    """Its key in the ledger."""
    return MachineKey(launched.run, launched.slot, launched.attempt)
