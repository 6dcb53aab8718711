"""Settles the ledger by EC2's own inventory: after a fault that left no time to write, it names the state of every machine."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from assay.collect.ec2.client import ec2_client, is_emulated
from assay.collect.ec2.inventory import Machine, list_machines
from assay.collect.fleet.launch import Launched
from assay.collect.fleet.names import INCOMING, ORIGIN, OWNER, RUN, SLOT
from assay.collect.fleet.reap import Ended, Found
from assay.collect.fleet.record import record_outcome, started_of
from assay.collect.fleet.watch import UNSEEN, View, judge, read_progress
from assay.database import machines
from assay.database.machines import MachineEntry
from assay.database.words import OPEN
from assay.session import format_time
from assay.workspace import Workspace

FORGOTTEN = timedelta(hours=24)
"""A machine that was planned so long ago and never started will not be, whatever became of its run."""

log = logging.getLogger(__name__)


def settle(
    workspace: Workspace, regions: Iterable[str], reaped: Iterable[Found] = (), ended: Ended = lambda tags: False
) -> list[str]:
    """Bring the machines in the ledger to what EC2 and storage say; gives a sentence for each that was changed.

    `reaped`: what the reaper ended just now, for its reasons; `ended`: whether the run of a machine with these tags is known to
    be over. Run it at any time. Raises AwsUnavailable, StorageError, DatabaseUnavailable.
    """
    regions, owner, now = list(regions), workspace.settings.fleet_owner, datetime.now(UTC)
    clients = [ec2_client(region) for region in regions]
    found = {machine.instance_id: machine for client in clients for machine in list_machines(client)}
    living = [machine for machine in found.values() if machine.alive]
    with workspace.engine.begin() as connection:
        entries = machines.running_machines(connection, regions)
        known = machines.known_instances(connection, found)
        # Those that are gone too: EC2 lists them for an hour, so that one which was started, never told of and reaped is named.
        missing = [each for each in found.values() if each.instance_id not in known and each.tags.get(OWNER) == owner]
        planned = {(entry.run, entry.slot): entry.dataset for entry in entries}
        for machine in missing:
            dataset = planned.get((machine.tags[RUN], machine.tags.get(SLOT, "")), workspace.dataset)
            machines.note_started(connection, dataset, started_of(machine, is_emulated(clients[0])))
        entries = machines.running_machines(connection, regions)
    said = [f"{machine.tags.get(SLOT, '')}: {machine.instance_id} was not in the ledger" for machine in missing]
    alive = {machine.instance_id for machine in living}
    names = {(machine.tags[RUN], machine.tags.get(SLOT, "")) for machine in living}
    reasons = {each.id: each.reason for each in reaped}
    for entry in entries:
        if entry.instance_id is None:
            if (entry.run, entry.slot) not in names and (
                why := _given_up(entry, now, ended({ORIGIN: entry.origin, OWNER: owner}))
            ):
                with workspace.engine.begin() as connection:
                    machines.note_not_started(
                        connection, entry.dataset, entry.run, entry.slot, entry.instance_type, failure="", says=why
                    )
                said.append(f"{entry.slot}: {why}")
        elif entry.instance_id not in alive and (entry.instance_id in found or _listed_by_now(entry, now)):
            said.append(_gone(workspace, entry, found, reasons.get(entry.instance_id, "")))
    for sentence in said:
        log.info("%s", sentence)
    return said


def _given_up(entry: MachineEntry, now: datetime, run_is_over: bool) -> str:
    if run_is_over:
        return "its run was over before it was started"
    return "it was planned and never started" if now - entry.planned_at > FORGOTTEN else ""


def _listed_by_now(entry: MachineEntry, now: datetime) -> bool:
    return entry.launched_at is not None and now - entry.launched_at > UNSEEN


def _gone(workspace: Workspace, entry: MachineEntry, found: Mapping[str, Machine], reaped: str) -> str:
    """Enter what became of a machine that does not run any more; gives it as a sentence."""
    launched = _launched(entry)
    says = f"{entry.slot}: {reaped or 'it does not run any more'}"
    if entry.state in set(OPEN) and not reaped:
        keys = frozenset(each.key for each in workspace.storage.list(f"{INCOMING}/{entry.run}/{entry.slot}"))
        standing = judge(launched, View(found, keys, datetime.now(UTC)), read_progress(workspace.storage, launched))
        if standing.outcome:
            record_outcome(workspace.engine, launched, standing.outcome, standing.says)
            says = standing.says
    with workspace.engine.begin() as connection:
        machines.note_ended(connection, entry.run, entry.slot, says, entry.attempt)
    return says


def _launched(entry: MachineEntry) -> Launched:
    started = entry.launched_at or entry.planned_at
    return Launched(
        run=entry.run,
        slot=entry.slot,
        attempt=entry.attempt,
        instance_type=entry.instance_type,
        region=entry.region or "",
        zone=entry.zone or "",
        instance_id=entry.instance_id or "",
        market=entry.market or "",
        launched_at=format_time(started),
        deadline=format_time(entry.deadline or started),
        emulated=entry.emulated,
    )
