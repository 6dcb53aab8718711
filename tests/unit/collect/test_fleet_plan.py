"""The plan of a fleet, from made-up descriptions: what is chosen, what is excluded and why, what stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from assay.collect.fleet import show
from assay.collect.fleet.candidates import Candidate, from_catalogue, refusal
from assay.collect.fleet.estimate import EXTRAS_PER_HOUR, dollars
from assay.collect.fleet.plan import PlannedMachine, RegionOffer, make_plan
from assay.collect.fleet.quota import CODES, STANDARD, Running, quota_class, region_quotas
from assay.collect.fleet.request import FleetRequest, Limits, Market, read_patterns
from assay.errors import FleetRefused
from assay.reference import catalogue
from hypothesis import given
from hypothesis import strategies as st

PLENTY = Limits(dollars=1000, instances=1000, hours=48)


def candidate(name: str, **facts: object) -> Candidate:
    plain = Candidate(name, 2, 8192, ("x86_64",), False, "", ("on-demand", "spot"), True)
    return replace(plain, **facts)  # type: ignore[arg-type]


def request(*patterns: str, **values: object) -> FleetRequest:
    plain = FleetRequest(read_patterns(patterns), ("us-east-1",), Market.SPOT, 1, 6, 10, PLENTY)
    return replace(plain, **values)  # type: ignore[arg-type]


def offer(*candidates: Candidate, region: str = "us-east-1", **values: object) -> RegionOffer:
    names = [each.instance_type for each in candidates]
    plain = RegionOffer(
        region=region,
        candidates={each.instance_type: each for each in candidates},
        zones=dict.fromkeys(names, (f"{region}a", f"{region}b")),
        on_demand=dict.fromkeys(names, 0.1),
        spot={(name, f"{region}{zone}"): price for name in names for zone, price in (("a", 0.05), ("b", 0.03))},
        quotas=tuple(region_quotas(region, dict.fromkeys(CODES.values(), 1000.0), ())),
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def test_families_types_and_patterns_choose_types() -> None:
    assert read_patterns(["m7i, c7g.large", "r7*.large m7i"]) == ("m7i.*", "c7g.large", "r7*.large")
    offered = offer(*(candidate(name) for name in ("m7i.large", "m7i.xlarge", "c7g.large", "c7g.xlarge", "m7i-flex.large")))
    plan = make_plan(request("m7i", "c7g.large"), [offered], "a test")
    assert [machine.slot for machine in plan.machines] == ["c7g.large-1", "m7i.large-1", "m7i.xlarge-1"]


@pytest.mark.parametrize("word", ["", "M7i", "m7i;rm", "../m7i", "m7i.large.x", "$(id)", "x" * 40])
def test_what_cannot_be_a_type_is_refused(word: str) -> None:
    with pytest.raises(FleetRefused, match="expected"):
        read_patterns([word])


def test_the_cheapest_spot_zone_is_tried_first_and_on_demand_keeps_the_order_of_zones() -> None:
    spot = make_plan(request("m7i.large"), [offer(candidate("m7i.large"))], "").machines[0]
    assert [place.zone for place in spot.places] == ["us-east-1b", "us-east-1a"]
    assert spot.dollars == pytest.approx(dollars(spot.minutes, 0.03))
    assert spot.most_dollars == pytest.approx(spot.life_minutes / 60 * (0.1 + EXTRAS_PER_HOUR)), "it may fall back to on-demand"
    there = make_plan(request("m7i.large", market=Market.ON_DEMAND), [offer(candidate("m7i.large"))], "").machines[0]
    assert [place.zone for place in there.places] == ["us-east-1a", "us-east-1b"]


def test_a_type_that_is_not_sold_as_spot_is_planned_on_demand() -> None:
    plan = make_plan(request("m7i.large"), [offer(candidate("m7i.large", markets=("on-demand",)))], "")
    assert [machine.market for machine in plan.machines] == [Market.ON_DEMAND]


def test_regions_are_tried_in_the_order_of_the_request() -> None:
    here, there = offer(candidate("m7i.large")), offer(candidate("m7i.large"), region="eu-west-1")
    plan = make_plan(request("m7i.large", regions=("eu-west-1", "us-east-1")), [here, there], "")
    assert [place.region for place in plan.machines[0].places] == ["eu-west-1"] * 2 + ["us-east-1"] * 2


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"bare_metal": True}, "bare metal"),
        ({"accelerator": "GPU"}, "accelerator"),
        ({"isa": ("i386",)}, "instruction set i386"),
        ({"memory_mib": 512}, "512 MiB"),
        ({"bootable": False}, "encrypted EBS"),
        ({"instance_type": "mac2.large"}, "dedicated host"),
    ],
)
def test_what_cannot_be_measured_is_excluded_with_the_reason(facts: dict[str, object], reason: str) -> None:
    one = candidate("m7i.large", **facts)
    plan = make_plan(request("m*"), [offer(one)], "")
    assert plan.machines == ()
    assert reason in plan.excluded[0].reason
    with pytest.raises(FleetRefused, match="no type is left"):
        plan.require_startable()


def test_not_offered_unpriced_and_too_large_for_the_quota_are_excluded() -> None:
    one, two, three = candidate("m7i.large"), candidate("m7i.xlarge"), candidate("m7i.48xlarge", vcpus=192)
    offered = offer(one, two, three)
    offered = replace(
        offered,
        zones={name: zones for name, zones in offered.zones.items() if name != "m7i.large"},
        on_demand={"m7i.48xlarge": 9.7},
        quotas=tuple(region_quotas("us-east-1", dict.fromkeys(CODES.values(), 64.0), ())),
    )
    reasons = {each.instance_type: each.reason for each in make_plan(request("m7i"), [offered], "").excluded}
    assert reasons["m7i.large"] == "not offered in us-east-1"
    assert "no price known" in reasons["m7i.xlarge"]
    assert "192 vCPU" in reasons["m7i.48xlarge"]
    assert "L-1216C47A" in reasons["m7i.48xlarge"]


def test_what_runs_counts_against_the_quota_and_a_full_one_is_said() -> None:
    running = [
        Running("m5.large", Market.SPOT, 2),
        Running("c5.9xlarge", Market.ON_DEMAND, 36),
        Running("g5.xlarge", Market.SPOT, 4),
    ]
    quotas = tuple(region_quotas("us-east-1", {"L-34B43A08": 5.0}, running))
    plan = make_plan(request("m7i", machines_per_type=2), [offer(candidate("m7i.large"), quotas=quotas)], "")
    (touched,) = plan.quotas
    assert (touched.quota_class, touched.market, touched.allowed, touched.running, touched.planned) == (STANDARD, "spot", 5, 2, 4)
    assert any("machines wait for each other" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (replace(PLENTY, dollars=0.01), "ASSAY_FLEET_MAX_DOLLARS"),
        (replace(PLENTY, instances=1), "ASSAY_FLEET_MAX_INSTANCES"),
        (replace(PLENTY, hours=0.5), "ASSAY_FLEET_MAX_HOURS"),
    ],
)
def test_a_limit_stops_the_run_before_it_starts(limits: Limits, said: str) -> None:
    offered = offer(candidate("m7i.large"), candidate("m7i.xlarge"))
    plan = make_plan(request("m7i", limits=limits), [offered], "")
    assert [said in stop for stop in plan.stops] == [True]
    with pytest.raises(FleetRefused, match=said):
        plan.require_startable()


def test_a_name_that_no_type_has_stops_the_run() -> None:
    plan = make_plan(request("m7i", "m99"), [offer(candidate("m7i.large"))], "")
    assert plan.stops == ("m99.*: no such instance type in us-east-1",)


def test_a_plan_from_tables_can_be_read_and_not_started() -> None:
    plan = make_plan(request("m7i"), [offer(candidate("m7i.large"))], "tables", live=False)
    assert plan.stops == ()
    assert show.as_json(plan)["startable"] is False
    with pytest.raises(FleetRefused, match="EC2 was not asked"):
        plan.require_startable()


def test_a_planned_machine_survives_as_plain_data() -> None:
    (machine,) = make_plan(request("m7i"), [offer(candidate("m7i.large"))], "").machines
    assert PlannedMachine.from_document(machine.to_document()) == machine


@given(st.lists(st.sampled_from(sorted(catalogue.names())), min_size=1, max_size=30, unique=True), st.integers(1, 5))
def test_any_request_accounts_for_every_type_and_keeps_the_bound_above_the_estimate(names: list[str], each: int) -> None:
    known = [from_catalogue(found) for found in map(catalogue.lookup, names) if found]
    plan = make_plan(request(*names[:30], machines_per_type=each), [offer(*known)], "")
    measured = {machine.instance_type for machine in plan.machines}
    assert measured | {excluded.instance_type for excluded in plan.excluded} == set(names)
    assert measured == {one.instance_type for one in known if refusal(one) is None}
    assert len(plan.machines) == each * len(measured)
    assert len({machine.slot for machine in plan.machines}) == len(plan.machines)
    assert plan.most_dollars >= plan.dollars


def test_every_type_of_the_catalogue_has_a_quota_class_or_is_on_dedicated_hosts() -> None:
    without = {name.split(".")[0] for name in catalogue.names() if quota_class(name) is None}
    assert all(family.startswith("mac") for family in without), without
