"""Prices without a network: the offline table, which figures it believes, and how a price list goes before it."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest
from assay.database.prices import PRICE_ROW_COLUMNS
from assay.reference import catalogue
from assay.reference.catalogue import InstanceType
from assay.reference.prices import PRICE_COLUMNS
from assay.reference.prices.confirm import SIZES, TOLERANCE, confirmed
from assay.reference.prices.generate import karpenter_prices, libcloud_prices, to_bytes
from assay.reference.prices.known import combined, price_frame
from assay.reference.prices.offline import DATA_FILE, Region, offline_price, regions
from assay.settings import Settings
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

TYPES: dict[str, InstanceType] = {name: known for name in catalogue.names() if (known := catalogue.lookup(name)) is not None}
M7I = ("m7i.large", "m7i.xlarge", "m7i.2xlarge", "m7i.4xlarge", "m7i.8xlarge", "m7i.12xlarge")


def figures(rate: float, factors: dict[str, float]) -> dict[str, float]:
    return {name: rate * TYPES[name].vcpus * factor for name, factor in factors.items()}


def test_a_known_price_has_its_source_and_day() -> None:
    price = offline_price("m7i.large", "us-east-1")
    assert (price.hourly_price, price.reason, price.as_of) == (0.1008, None, "2026-01-19")
    assert "Price List API" in price.source


def test_no_price_has_a_reason() -> None:
    assert offline_price("m7i.large", "eu-west-1").reason == "no price known offline as of 2025-03-02"
    assert offline_price("zz9.large", "us-east-1").reason == "no price known offline as of 2026-01-19"
    assert offline_price("x2iezn.metal", "me-south-1").reason == "not offered"
    assert offline_price("m7i.large", "xx-nowhere-1").reason == "no price known offline: the table has no region xx-nowhere-1"


def test_every_price_of_the_table_is_one_and_every_row_has_every_region() -> None:
    table = json.loads(DATA_FILE.read_bytes())
    names = [row[0] for row in table["prices"]]
    assert names == sorted(set(names))
    assert {len(row) for row in table["prices"]} == {len(table["regions"]) + 1}
    assert all(cell is None or 0 <= cell < 500 for row in table["prices"] for cell in row[1:])
    assert all(about.as_of > "2025" and about.source for about in regions().values())
    assert sum(row[1:][list(regions()).index("us-east-1")] not in (None, 0) for row in table["prices"]) > 1_000


def test_in_every_family_the_prices_of_the_mixed_table_are_proportional_to_size() -> None:
    for region in regions():
        if region == "us-east-1":
            continue
        families: dict[str, list[InstanceType]] = {}
        for name, known in TYPES.items():
            if offline_price(name, region).hourly_price:
                families.setdefault(known.instance_family, []).append(known)
        for family, members in families.items():
            spreads = []
            for size in ("vcpus", "memory_bytes"):
                rates = [(offline_price(each.instance_type, region).hourly_price or 0) / getattr(each, size) for each in members]
                spreads.append(max(rates) / min(rates) - 1)
            assert len(members) >= SIZES, (region, family)
            assert min(spreads) <= TOLERANCE + 1e-9, (region, family)


def test_prices_of_dedicated_machines_and_reservations_do_not_pass() -> None:
    given_ = figures(0.0504, dict(zip(M7I, (1.0, 1.1, 1.0, 0.0, 1.0, 1.1), strict=True)))
    assert set(confirmed(given_, TYPES)) == {"m7i.large", "m7i.2xlarge", "m7i.8xlarge"}


def test_two_sizes_confirm_nothing_and_bare_metal_proves_nothing() -> None:
    assert confirmed(figures(0.05, {"m7i.large": 1, "m7i.xlarge": 1, "m7i.2xlarge": 1.1}), TYPES) == {}
    assert confirmed(figures(0.05, {"m7i.large": 1, "m7i.xlarge": 1, "m7i.metal-48xl": 1}), TYPES) == {}


def test_burstable_sizes_confirm_each_other_by_memory() -> None:
    given_ = {"t3.nano": 0.0052, "t3.micro": 0.0104, "t3.small": 0.0208, "t3.large": 0.0882}
    assert set(confirmed(given_, TYPES)) == {"t3.nano", "t3.micro", "t3.small"}


@given(st.dictionaries(st.sampled_from(M7I), st.sampled_from([0.0, 1.0, 1.06, 1.1])))
def test_what_passes_is_always_a_given_figure_at_the_lowest_rate(factors: dict[str, float]) -> None:
    given_ = figures(0.0504, factors)
    passed = confirmed(given_, TYPES)
    assert all(given_[name] == price for name, price in passed.items())
    rates = {price / TYPES[name].vcpus for name, price in passed.items()}
    assert not rates or max(rates) <= min(figure / TYPES[n].vcpus for n, figure in given_.items() if figure) * (1 + TOLERANCE)
    if list(factors.values()).count(1.0) >= SIZES:
        assert passed.keys() == {name for name, factor in factors.items() if factor == 1.0}


def test_the_table_is_made_of_both_sources_and_the_later_one_wins() -> None:
    first, prices = karpenter_prices(
        '// generated at 2026-01-19T13:23:24Z for us-east-1\n"m7i.large": 0.100800, "c7g.large": 0.0725,'
    )
    assert (first.region, first.as_of, prices) == ("us-east-1", "2026-01-19", {"m7i.large": 0.1008, "c7g.large": 0.0725})
    mixed = {
        name: {"us-east-1": 9 * figure, "eu-west-1": figure} for name, figure in figures(0.05, dict.fromkeys(M7I, 1.0)).items()
    }
    mixed["m7i"] = {"us-east-1": 1.0}
    found = libcloud_prices({"updated": 1740936978, "compute": {"ec2_linux": mixed}}, TYPES)
    table = json.loads(to_bytes([*found, (first, prices)], {"us-east-1": {"m7i.large"}}, "offerings", ["m7i.large", "m9g.large"]))
    assert [about["region"] for about in table["regions"]] == ["eu-west-1", "us-east-1"]
    rows = {row[0]: row[1:] for row in table["prices"]}
    assert rows["m7i.large"] == [0.1, 0.1008]
    assert rows["m9g.large"] == [None, 0], "not offered where EC2's offerings are known and lack it"
    with pytest.raises(ValueError, match="generated at"):
        karpenter_prices("{}")


def listed(*rows: tuple[str, str, str, float | None, str | None]) -> pd.DataFrame:
    full = [
        (name, "us-east-1", date.fromisoformat(as_of), date.fromisoformat(seen), price, reason, "AWS Price List API")
        for name, as_of, seen, price, reason in rows
    ]
    return pd.DataFrame(full, columns=list(PRICE_ROW_COLUMNS))


def test_a_price_list_goes_before_the_table_unless_the_table_is_later() -> None:
    names = ["m7i.large", "c7g.large", "r7a.large", "host-1a2b3c4d"]
    rows = (("m7i.large", "2026-02-02", "2026-11-02", 0.2, None), ("c7g.large", "2026-02-02", "2026-11-02", None, "not offered"))
    frame = price_frame(combined(listed(*rows), names, ["us-east-1"])).set_index("instance")
    assert frame.loc["m7i.large", ["hourly_price", "as_of"]].tolist() == [0.2, "2026-02-02"]
    assert frame.loc["c7g.large", "reason"] == "not offered"
    assert frame.loc["r7a.large", "reason"] == "not offered", "the list had the region whole, and this type is not in it"
    assert "host-1a2b3c4d" not in frame.index
    earlier = listed(("m7i.large", "2025-02-02", "2025-11-02", 0.2, None))
    assert combined(earlier, ["m7i.large"], ["us-east-1"])[0].hourly_price == 0.1008
    assert combined(listed(), ["m7i.large"], ["us-east-1"])[0].hourly_price == 0.1008


def test_the_frame_of_nothing_has_its_columns() -> None:
    assert tuple(price_frame([]).columns) == PRICE_COLUMNS


def test_regions_are_a_setting_of_names_each_once() -> None:
    assert Settings(price_regions=" eu-west-1, us-gov-west-1").regions == ("eu-west-1", "us-gov-west-1")
    for wrong in ("", "us-east-1,us-east-1", "us-east-1;eu-west-1", "somewhere"):
        with pytest.raises(ValidationError, match="expected regions such as us-east-1"):
            Settings(price_regions=wrong)
    assert Region("r", "s", "d").region == "r"
