"""The step that starts one machine: exactly one, however often it is run, in the first place that has capacity."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from assay.collect.ec2.client import ec2_client, is_emulated
from assay.collect.ec2.failure import TOKEN_USED, FailureClass, MachineFailed, error_class
from assay.collect.ec2.grant import presign_agent, presign_inbox, require_s3, store_agent
from assay.collect.ec2.ground import Ground, Image, prepare_region
from assay.collect.ec2.inventory import Machine, list_machines
from assay.collect.ec2.start import Start, start_machine
from assay.collect.fleet.names import ATTEMPT, INCOMING, RUN, SLOT, client_token, inbox, machine_tags, read_deadline
from assay.collect.fleet.plan import Place, Plan, PlannedMachine
from assay.collect.fleet.request import Market, repeats_of
from assay.collect.fleet.user_data import MachineOrder, user_data
from assay.errors import AwsUnavailable, FleetRefused
from assay.session import MANIFEST_NAME, format_time, parse_time
from assay.settings import Settings
from assay.storage import Storage

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

SPARE_LIFE_MINUTES = 10
"""Between the time at which a machine ends itself and the time at which the reaper ends it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One machine of a run, ready to be started: what was planned, the ground of its regions, the agent's hash."""

    run: str
    machine: PlannedMachine
    grounds: tuple[Ground, ...]
    agent_sha256: str
    executions: int
    origin: str = ""
    """What the run is called where it was started, for who asks whether it is over."""

    def to_document(self) -> dict[str, Any]:
        """As plain data, for one task of a DAG to give to the next; holds nothing secret."""
        return {
            "run": self.run,
            "machine": self.machine.to_document(),
            "grounds": [asdict(ground) for ground in self.grounds],
            "agent_sha256": self.agent_sha256,
            "executions": self.executions,
            "origin": self.origin,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Order:
        """The reverse of `to_document`."""
        grounds = tuple(
            Ground(found["region"], found["group_id"], {isa: Image(**image) for isa, image in found["images"].items()})
            for found in document["grounds"]
        )
        machine = PlannedMachine.from_document(document["machine"])
        return cls(document["run"], machine, grounds, document["agent_sha256"], document["executions"], document["origin"])


@dataclass(frozen=True)
class Launched:
    """A machine that was started. `deadline`: when it must be gone; `emulated`: not by Amazon, so no EC2 instance."""

    run: str
    slot: str
    attempt: int
    instance_type: str
    region: str
    zone: str
    instance_id: str
    market: str
    launched_at: str
    deadline: str
    emulated: bool

    @property
    def prefix(self) -> str:
        """Where it writes."""
        return inbox(self.run, self.slot, self.attempt)

    def to_document(self) -> dict[str, Any]:
        """As plain data, for one task of a DAG to give to the next; holds nothing secret."""
        return asdict(self)

    @property
    def deadline_at(self) -> datetime:
        """The deadline as a moment."""
        return parse_time(self.deadline)


def prepare(settings: Settings, storage: Storage, plan: Plan, run: str, origin: str = "") -> list[Order]:
    """Make ready what all machines of a plan share: the agent in storage, and image and security group of every region.

    `run`: as `names.run_name` gives it. Raises FleetRefused where the plan may not be started or something is missing.
    """
    plan.require_startable()
    require_s3(storage)
    agent = store_agent(storage)
    regions = {place.region for machine in plan.machines for place in machine.places}
    instruction_sets = {machine.isa for machine in plan.machines}
    grounds = tuple(
        prepare_region(ec2_client(region), instruction_sets, settings.fleet_image_owner) for region in sorted(regions)
    )
    log.info("run %s: agent %s, ground prepared in %s", run, agent[:12], ", ".join(sorted(regions)))
    return [Order(run, machine, grounds, agent, plan.request.executions, origin) for machine in plan.machines]


def launch(settings: Settings, storage: Storage, order: Order, *, dataset: str) -> Launched:
    """Start the machine, or find the one that an earlier call started and that lives or has uploaded its session.

    Where an earlier machine ended without a session, this is the next attempt, with an inbox of its own. Places are tried in the
    plan's order, as spot first where that is planned, then on demand; a second attempt is on demand.
    Raises MachineFailed with its class, AwsUnavailable for what may pass.
    """
    clients = {ground.region: ec2_client(ground.region) for ground in order.grounds}
    grounds = {ground.region: ground for ground in order.grounds}
    attempt, there = _where_it_stands(clients, storage, order)
    if there is not None:
        log.info("%s: %s was started before, in %s", order.machine.slot, there.instance_id, there.zone)
        return _launched(order, attempt, there, is_emulated(clients[there.region]))
    full: dict[tuple[str, Market], str] = {}
    refused: list[str] = []
    for market, place in offers(order.machine, attempt):
        if (place.region, market) in full:
            continue
        found = _try(settings, storage, order, attempt, dataset, clients[place.region], grounds[place.region], market, place)
        if isinstance(found, Launched):
            return found
        kind, code = found
        log.warning("%s: %s as %s: %s (%s)", order.machine.slot, place.zone, market, kind, code)
        refused.append(f"{place.zone} as {market}: {code}")
        if kind is FailureClass.QUOTA:
            full[place.region, market] = code
    kind = FailureClass.QUOTA if full else FailureClass.INSUFFICIENT_CAPACITY
    raise MachineFailed(kind, f"{order.machine.slot}: " + "; ".join(refused))


def _where_it_stands(clients: Mapping[str, EC2Client], storage: Storage, order: Order) -> tuple[int, Machine | None]:
    """The attempt that is due, and its machine if there is one already. EC2 forgets a machine after an hour, storage does not."""
    tags = {RUN: order.run, SLOT: order.machine.slot}
    machines = {_attempt(found.tags.get(ATTEMPT, "")): found for c in clients.values() for found in list_machines(c, tags)}
    living = [(attempt, machine) for attempt, machine in machines.items() if machine.alive]
    if living:
        return max(living, key=lambda pair: pair[0])
    below = f"{INCOMING}/{order.run}/{order.machine.slot}"
    keys = {found.key.removeprefix(f"{below}/") for found in storage.list(below)}
    for attempt, machine in machines.items():
        if f"{attempt}/{MANIFEST_NAME}" in keys:
            return attempt, machine
    return max([*machines, *(_attempt(key.split("/")[0]) for key in keys)], default=0) + 1, None


def _attempt(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def offers(machine: PlannedMachine, attempt: int) -> Iterator[tuple[Market, Place]]:
    """What is tried, in order: in each region every zone as spot where that is planned and sold, then every zone on demand."""
    for region in dict.fromkeys(place.region for place in machine.places):
        places = [place for place in machine.places if place.region == region]
        if machine.market is Market.SPOT and attempt == 1:
            yield from ((Market.SPOT, place) for place in places if place.spot is not None)
        yield from ((Market.ON_DEMAND, place) for place in places)


def _try(
    settings: Settings,
    storage: Storage,
    order: Order,
    attempt: int,
    dataset: str,
    client: EC2Client,
    ground: Ground,
    market: Market,
    place: Place,
) -> Launched | tuple[FailureClass, str]:
    """One place: the machine, or why there is none and the next place may be tried. Raises what ends the search."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    machine, now = order.machine, datetime.now(UTC)
    deadline = now + timedelta(minutes=machine.life_minutes + SPARE_LIFE_MINUTES)
    start = Start(
        instance_type=machine.instance_type,
        zone=place.zone,
        market=market,
        image=ground.images[machine.isa],
        group_id=ground.group_id,
        user_data=_user_data(settings, storage, order, attempt, dataset, emulated=is_emulated(client)),
        token=client_token(order.run, machine.slot, attempt, place.zone, market),
        tags=machine_tags(order.run, machine.slot, attempt, settings.fleet_owner, deadline, order.origin),
    )
    doing = f"RunInstances of {machine.instance_type} in {place.zone}"
    try:
        instance_id = start_machine(client, start)
    except ClientError as error:
        said = error.response.get("Error", {})
        code, status = said.get("Code", ""), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        if code == TOKEN_USED:
            # Proof that this very machine was started, by a task that died before it could say so; EC2 shows it in a moment.
            raise AwsUnavailable(f"{doing}: it was started before and EC2 does not list it yet; try again in a moment") from error
        kind = error_class(code, status)
        if kind in (FailureClass.INSUFFICIENT_CAPACITY, FailureClass.QUOTA):
            return kind, code
        if kind is FailureClass.THROTTLED:
            raise AwsUnavailable(f"{doing}: {kind}: AWS says {code}; try again later") from error
        raise MachineFailed(kind, f"{doing}: AWS says {code}: {said.get('Message', '')}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise AwsUnavailable(f"{doing}: {str(error)[:500]}; the next try finds the machine if it was started") from error
    log.info("%s: started %s in %s as %s, to be gone by %s", machine.slot, instance_id, place.zone, market, format_time(deadline))
    return Launched(
        run=order.run,
        slot=machine.slot,
        attempt=attempt,
        instance_type=machine.instance_type,
        region=place.region,
        zone=place.zone,
        instance_id=instance_id,
        market=market.value,
        launched_at=format_time(now),
        deadline=format_time(deadline),
        emulated=is_emulated(client),
    )


def _user_data(settings: Settings, storage: Storage, order: Order, attempt: int, dataset: str, *, emulated: bool) -> bytes:
    bucket = require_s3(storage)
    seconds = (order.machine.life_minutes + SPARE_LIFE_MINUTES) * 60
    labels = {"run": order.run, "slot": order.machine.slot, "attempt": str(attempt)}
    repeats = repeats_of(settings, order.executions)
    told = MachineOrder(
        agent_url=presign_agent(bucket, order.agent_sha256, seconds),
        agent_sha256=order.agent_sha256,
        grant=presign_inbox(bucket, inbox(order.run, order.machine.slot, attempt), seconds),
        # An emulated machine is the host that emulates it: it says so, and nothing of it is published as an EC2 type.
        subject="" if emulated else order.machine.instance_type,
        executions=order.executions,
        tool_seconds=settings.fleet_tool_seconds,
        dataset=dataset,
        licence=settings.licence,
        attribution=settings.attribution,
        labels=labels | ({"emulated": order.machine.instance_type} if emulated else {}),
        tools=settings.fleet_tools,
        most_executions=repeats.most,
        half_width_percent=repeats.half_width_percent,
        budget_minutes=repeats.seconds / 60,
    )
    return user_data(told, order.machine.life_minutes)


def _launched(order: Order, attempt: int, there: Machine, emulated: bool) -> Launched:
    deadline = read_deadline(there.tags)
    if deadline is None:
        raise FleetRefused(f"{there.instance_id} in {there.region}: its tags say no deadline; `assay reap` ends it")
    return Launched(
        run=order.run,
        slot=order.machine.slot,
        attempt=attempt,
        instance_type=there.instance_type,
        region=there.region,
        zone=there.zone,
        instance_id=there.instance_id,
        market=(Market.SPOT if there.spot else Market.ON_DEMAND).value,
        launched_at=format_time(there.launched_at),
        deadline=format_time(deadline),
        emulated=emulated,
    )
