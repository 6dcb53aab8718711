"""From a request to a plan: asks EC2 where there are credentials, and the tables that come with the code where there are not."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from sqlalchemy import Engine

from assay.collect.ec2 import describe
from assay.collect.ec2.client import ec2_client, has_credentials
from assay.collect.fleet.candidates import Candidate, from_catalogue
from assay.collect.fleet.plan import Plan, RegionOffer, make_plan
from assay.collect.fleet.quota import region_quotas
from assay.collect.fleet.request import FleetRequest, Limits, Market, matching, read_patterns, repeats_of
from assay.reference import catalogue
from assay.reference.prices.known import known_prices
from assay.reference.prices.price import NOT_OFFERED
from assay.settings import Settings


def fleet_request(
    settings: Settings,
    types: Iterable[str],
    *,
    regions: Iterable[str] | None = None,
    market: str | None = None,
    machines_per_type: int = 1,
    executions: int | None = None,
    max_dollars: float | None = None,
    max_instances: int | None = None,
    max_hours: float | None = None,
) -> FleetRequest:
    """A request, from the settings where it says nothing. It may lower the settings' limits and never raise them.

    Raises FleetRefused with what was found and what was expected."""
    executions = executions or settings.fleet_executions
    return FleetRequest(
        patterns=read_patterns(types),
        regions=tuple(regions or settings.machine_regions),
        market=Market(market or settings.fleet_market),
        machines_per_type=machines_per_type,
        executions=executions,
        tool_seconds=settings.fleet_tool_seconds,
        limits=Limits(
            dollars=_lower(settings.fleet_max_dollars, max_dollars),
            instances=int(_lower(settings.fleet_max_instances, max_instances)),
            hours=_lower(settings.fleet_max_hours, max_hours),
        ),
        repeats=repeats_of(settings, executions),
    )


def plan_fleet(engine: Engine, request: FleetRequest, *, offline: bool | None = None) -> Plan:
    """The plan for a request. `offline`: use the tables that come with the code; by default where there are no credentials.

    Prices on demand are those that the price lists said last (`assay reference prices`), with the dated table behind them.
    Raises AwsUnavailable where EC2 cannot be asked although there are credentials.
    """
    if offline if offline is not None else not has_credentials():
        return make_plan(request, _offline_offers(engine, request), _offline_source(), live=False)
    return make_plan(request, [_live_offer(engine, request, region) for region in request.regions], "EC2")


def _live_offer(engine: Engine, request: FleetRequest, region: str) -> RegionOffer:
    client = ec2_client(region)
    candidates = describe.describe_types(client, request.patterns)
    names = sorted(candidates)
    allowed, note = describe.quotas_or_note(region)
    return RegionOffer(
        region=region,
        candidates=candidates,
        zones=describe.describe_zones(client, names) if names else {},
        on_demand=_on_demand(engine, names, region),
        spot=describe.describe_spot_prices(client, names) if names and request.market is Market.SPOT else {},
        quotas=tuple(region_quotas(region, allowed, describe.describe_running(client))),
        notes=(note,) if note else (),
    )


def _offline_offers(engine: Engine, request: FleetRequest) -> list[RegionOffer]:
    names = matching(request.patterns, catalogue.names())
    candidates: dict[str, Candidate] = {}
    for name in names:
        known = catalogue.lookup(name)
        if known is not None:
            candidates[name] = from_catalogue(known)
    offers = []
    for region in request.regions:
        prices = known_prices(engine, names, [region])
        offered = prices.loc[prices["reason"].ne(NOT_OFFERED), "instance"]
        zones = dict.fromkeys(map(str, offered), (f"{region}?",))
        offers.append(RegionOffer(region, candidates, zones, _priced(prices), {}, tuple(region_quotas(region, None, ()))))
    return offers


def _offline_source() -> str:
    said, day = catalogue.source()
    return (
        f"the tables that come with Assay ({said}, {day}), because no AWS credentials were found or --offline was given: zones, "
        "quotas and spot prices are not known, and nothing can be started from this plan"
    )


def _on_demand(engine: Engine, names: Iterable[str], region: str) -> dict[str, float]:
    return _priced(known_prices(engine, list(names), [region]))


def _priced(known: pd.DataFrame) -> dict[str, float]:
    known = known.dropna(subset=["hourly_price"])
    return {str(name): float(price) for name, price in zip(known["instance"], known["hourly_price"], strict=True)}


def _lower(setting: float, asked: float | None) -> float:
    return setting if asked is None else min(setting, asked)
