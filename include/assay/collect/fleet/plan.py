"""The plan of a fleet: which machines, where, for how long and for how much; and what speaks against starting it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from assay.collect.fleet.candidates import Candidate, instruction_set, refusal
from assay.collect.fleet.estimate import dollars, life_minutes, minutes_of
from assay.collect.fleet.quota import CODES, Quota, quota_class
from assay.collect.fleet.request import FleetRequest, Market, matching, unmatched
from assay.errors import FleetRefused


@dataclass(frozen=True)
class RegionOffer:
    """What one region offers. `zones`: by type; `on_demand`: USD an hour by type; `spot`: USD an hour by type and zone."""

    region: str
    candidates: Mapping[str, Candidate]
    zones: Mapping[str, tuple[str, ...]]
    on_demand: Mapping[str, float]
    spot: Mapping[tuple[str, str], float]
    quotas: tuple[Quota, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a machine may be started, and for how much an hour (USD). `spot` is None where it is not sold as spot."""

    region: str
    zone: str
    on_demand: float
    spot: float | None


@dataclass(frozen=True)
class PlannedMachine:
    """One machine that measures one session. `places` in the order in which they are tried."""

    slot: str
    instance_type: str
    isa: str
    vcpus: int
    market: Market
    places: tuple[Place, ...]
    minutes: float
    life_minutes: int
    dollars: float
    most_dollars: float

    def to_document(self) -> dict[str, Any]:
        """As plain data, for one task of a DAG to give to the next."""
        return {**asdict(self), "market": self.market.value}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PlannedMachine:
        """The reverse of `to_document`."""
        places = tuple(Place(**place) for place in document["places"])
        return cls(**{**document, "market": Market(document["market"]), "places": places})


@dataclass(frozen=True)
class Excluded:
    """A type that was asked for and is not measured, and why."""

    instance_type: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What a run would do. `stops` is empty exactly where it may start; `source` says where the facts are from."""

    request: FleetRequest
    machines: tuple[PlannedMachine, ...]
    excluded: tuple[Excluded, ...]
    quotas: tuple[Quota, ...]
    stops: tuple[str, ...]
    notes: tuple[str, ...]
    source: str
    live: bool
    """EC2 itself was asked; a plan from tables is for reading only."""

    @property
    def dollars(self) -> float:
        """USD, as estimated."""
        return sum(machine.dollars for machine in self.machines)

    @property
    def most_dollars(self) -> float:
        """USD that the run cannot go over: every machine for its whole time to live, on demand."""
        return sum(machine.most_dollars for machine in self.machines)

    def require_startable(self) -> None:
        """Raises FleetRefused with everything that stops the run."""
        stops = self.stops if self.live else ("no AWS credentials were found: EC2 was not asked", *self.stops)
        if stops:
            raise FleetRefused("the run is not started: " + "; ".join(stops))


def make_plan(request: FleetRequest, offers: Iterable[RegionOffer], source: str, *, live: bool = True) -> Plan:
    """The plan for a request from what regions offer, in the order of the request's regions."""
    by_region = {offer.region: offer for offer in offers}
    ordered = [by_region[region] for region in request.regions if region in by_region]
    names = matching(request.patterns, (name for offer in ordered for name in offer.candidates))
    machines: list[PlannedMachine] = []
    excluded: list[Excluded] = []
    for name in names:
        found = _machine(request, name, ordered)
        if isinstance(found, Excluded):
            excluded.append(found)
        else:
            machines += [replace(found, slot=f"{name}-{number}") for number in range(1, request.machines_per_type + 1)]
    quotas = _with_planned(ordered, machines)
    return Plan(
        request=request,
        machines=tuple(machines),
        excluded=tuple(excluded),
        quotas=quotas,
        stops=tuple(_stops(request, names, machines)),
        notes=(*(note for offer in ordered for note in offer.notes), *_waiting(quotas)),
        source=source,
        live=live,
    )


def _machine(request: FleetRequest, name: str, offers: list[RegionOffer]) -> PlannedMachine | Excluded:
    candidate = next(offer.candidates[name] for offer in offers if name in offer.candidates)
    reason = refusal(candidate)
    if reason:
        return Excluded(name, reason)
    places: list[Place] = []
    reasons: dict[str, None] = {}
    for offer in offers:
        found, why = _places(request, candidate, offer)
        places += found
        if why:
            reasons[why] = None
    if not places:
        return Excluded(name, "; ".join(reasons))
    minutes = minutes_of(request.executions, request.tool_seconds, request.repeats)
    life = life_minutes(minutes)
    first = places[0]
    isa = instruction_set(candidate)
    assert isa is not None
    market = request.market if any(place.spot is not None for place in places) else Market.ON_DEMAND
    hourly = first.spot if market is Market.SPOT and first.spot is not None else first.on_demand
    return PlannedMachine(
        slot=name,
        instance_type=name,
        isa=isa,
        vcpus=candidate.vcpus,
        market=market,
        places=tuple(places),
        minutes=round(minutes, 1),
        life_minutes=life,
        dollars=dollars(minutes, hourly),
        most_dollars=max(dollars(life, place.on_demand) for place in places),
    )


def _places(request: FleetRequest, candidate: Candidate, offer: RegionOffer) -> tuple[list[Place], str]:
    """The places of one region, the cheapest spot zone first where spot is asked for; or why there is none."""
    name = candidate.instance_type
    zones = offer.zones.get(name, ())
    if not zones:
        return [], f"not offered in {offer.region}"
    price = offer.on_demand.get(name)
    if price is None:
        return [], f"no price known in {offer.region}: its cost could not be held to a limit"
    for quota in offer.quotas:
        if (
            quota.quota_class == quota_class(name)
            and quota.market is Market.ON_DEMAND
            and quota.allowed is not None
            and candidate.vcpus > quota.allowed
        ):
            return [], (
                f"{candidate.vcpus} vCPU: the quota {quota.quota_class} on demand in {offer.region} is {quota.allowed:g} "
                f"({CODES[quota.market, quota.quota_class]})"
            )
    spot_sold = "spot" in candidate.markets and (Market.SPOT, quota_class(name) or "") in CODES
    places = [Place(offer.region, zone, price, offer.spot.get((name, zone)) if spot_sold else None) for zone in sorted(zones)]
    if request.market is Market.SPOT:
        places.sort(key=lambda place: (place.spot is None, place.spot or 0.0, place.zone))
    return places, ""


def _with_planned(offers: list[RegionOffer], machines: list[PlannedMachine]) -> tuple[Quota, ...]:
    """The quotas that the plan touches, with the vCPUs that it adds in the place that is tried first."""
    planned: dict[tuple[str, Market, str | None], int] = defaultdict(int)
    for machine in machines:
        planned[machine.places[0].region, machine.market, quota_class(machine.instance_type)] += machine.vcpus
    counted = [
        replace(quota, planned=planned[quota.region, quota.market, quota.quota_class])
        for offer in offers
        for quota in offer.quotas
    ]
    return tuple(quota for quota in counted if quota.planned)


def _waiting(quotas: Iterable[Quota]) -> list[str]:
    return [
        f"{quota.region}: {quota.planned} vCPU of {quota.quota_class} {quota.market} are planned and {quota.free:g} are free: "
        "machines wait for each other"
        for quota in quotas
        if quota.free is not None and quota.planned > quota.free
    ]


def _stops(request: FleetRequest, names: list[str], machines: list[PlannedMachine]) -> list[str]:
    limits = request.limits
    stops = [
        f"{pattern}: no such instance type in {', '.join(request.regions)}" for pattern in unmatched(request.patterns, names)
    ]
    if not machines:
        stops.append("no type is left that can be measured")
        return stops
    if len(machines) > limits.instances:
        stops.append(f"{len(machines)} machines; the limit is {limits.instances} (ASSAY_FLEET_MAX_INSTANCES)")
    most = sum(machine.most_dollars for machine in machines)
    if most > limits.dollars:
        stops.append(f"it may cost {most:.2f} USD; the limit is {limits.dollars:.2f} (ASSAY_FLEET_MAX_DOLLARS)")
    longest = max(machine.life_minutes for machine in machines) / 60
    if longest > limits.hours:
        stops.append(
            f"a machine may live {longest:.1f} hours; the limit is {limits.hours:g} (ASSAY_FLEET_MAX_HOURS): fewer executions, "
            "or fewer seconds for each"
        )
    return stops
