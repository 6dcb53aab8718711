"""End what must not live on: machines of one slot when it is over, and whatever outlived its deadline, by EC2's own inventory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay.collect.ec2.client import ec2_client
from assay.collect.ec2.inventory import ALIVE, Leftover, Machine, list_leftovers, list_machines, remove, terminate
from assay.collect.fleet.names import ATTEMPT, RUN, SLOT, read_deadline

GRACE = timedelta(minutes=15)
"""A volume or a request without a machine may be one that is just being made."""

Ended = Callable[[Mapping[str, str]], bool]
"""Whether the run of a machine with these tags is known to be over."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """Something that must go. `what`: `instance`, `volume` or `spot request`."""

    what: str
    id: str
    region: str
    run: str
    slot: str
    reason: str


def overdue(machine: Machine, now: datetime, ended: Ended) -> str | None:
    """Why a machine must be ended, or None where it may live. `ended`: whether its run is known to be over."""
    if not machine.alive:
        return None
    deadline = read_deadline(machine.tags)
    if deadline is None:
        return "its tags say no deadline"
    if now > deadline:
        return f"outlived its deadline {deadline:%Y-%m-%d %H:%M} UTC"
    if ended(machine.tags):
        return "its run is over"
    return None


def forgotten(leftover: Leftover, now: datetime) -> str | None:
    """Why a volume or a spot request must go, or None where it may stay a little."""
    if now - leftover.created_at < GRACE:
        return None
    return "no machine uses it"


def reap(regions: Iterable[str], *, dry_run: bool, ended: Ended = lambda tags: False) -> list[Found]:
    """Find what must go in the regions and, unless it is a dry run, end it; gives what was found.

    Run it at any time: it looks at EC2 alone and ends nothing twice. Raises AwsUnavailable at the first region that cannot be
    asked, after the others were done.
    """
    found: list[Found] = []
    failures: list[Exception] = []
    now = datetime.now(UTC)
    for region in regions:
        try:
            found += _reap_region(region, now, dry_run=dry_run, ended=ended)
        except Exception as error:  # noqa: BLE001 - raised again when every region was looked at
            log.error("%s: %s", region, error)
            failures.append(error)
    if failures:
        raise failures[0]
    return found


def end_slot(regions: Iterable[str], run: str, slot: str, attempt: int | None = None) -> list[str]:
    """End every machine of one slot of a run, in any of the regions, of any attempt unless one is named; gives their ids.

    Raises AwsUnavailable."""
    tags = {RUN: run, SLOT: slot} | ({} if attempt is None else {ATTEMPT: str(attempt)})
    gone: list[str] = []
    for region in regions:
        client = ec2_client(region)
        ids = [machine.instance_id for machine in list_machines(client, tags, ALIVE)]
        terminate(client, ids)
        gone += ids
    return gone


def _reap_region(region: str, now: datetime, *, dry_run: bool, ended: Ended) -> list[Found]:
    client = ec2_client(region)
    machines = [
        (machine, why) for machine in list_machines(client, states=ALIVE) if (why := overdue(machine, now, ended)) is not None
    ]
    leftovers = [(left, why) for left in list_leftovers(client) if (why := forgotten(left, now)) is not None]
    found = [
        Found("instance", machine.instance_id, region, machine.tags[RUN], machine.tags.get(SLOT, ""), why)
        for machine, why in machines
    ] + [Found(left.what, left.id, region, left.tags[RUN], left.tags.get(SLOT, ""), why) for left, why in leftovers]
    for each in found:
        log.warning("%s %s in %s (run %s): %s%s", each.what, each.id, region, each.run, each.reason, "" if dry_run else ": ended")
    if not dry_run:
        terminate(client, [machine.instance_id for machine, _ in machines])
        remove(client, [left for left, _ in leftovers])
    return found
