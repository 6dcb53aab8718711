"""Prices over real HTTP into a real PostgreSQL: what is asked, what is kept, what a broken answer leaves alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from assay.cli import app
from assay.database.prices import latest_prices, price_history
from assay.errors import AssayError, PricesUnavailable
from assay.publish.gather import gather_content
from assay.reference.prices import api
from assay.reference.prices.known import known_prices
from assay.reference.prices.refresh import refresh_prices
from assay.workspace import Workspace
from price_list import PriceList, product
from sqlalchemy import Engine
from typer.testing import CliRunner

pytestmark = pytest.mark.enable_socket

REGION = "eu-west-1"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[PriceList]:
    """A price list, and credentials for it."""
    for name, value in (("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing")):
        monkeypatch.setenv(name, value)
    server = PriceList()
    yield server
    server.stop()


def now(engine: Engine, instance: str, region: str = REGION) -> tuple[float | None, str | None, str]:
    row = known_prices(engine, [instance], [region]).iloc[0]
    price = None if row["hourly_price"] != row["hourly_price"] else float(row["hourly_price"])
    return price, row["reason"], row["as_of"]


def test_only_on_demand_linux_of_shared_machines_is_asked_for_and_bare_metal_as_what_it_is(
    shop: PriceList, engine: Engine
) -> None:
    shop.products = [
        product("m7i.large", REGION, "0.1123500000"),
        product("m7i.large", REGION, "0.1235900000", tenancy="Dedicated"),
        product("m7i.large", REGION, "0.2043500000", operatingSystem="Windows"),
        product("m7i.large", REGION, "0.0000000000", capacitystatus="AllocatedCapacityReservation"),
        product("m7i.large", REGION, "0.0000000000", marketoption="CapacityBlock"),
        product("m7i.large", "us-east-1", "0.1008000000"),
        product("m7i.metal-24xl", REGION, "5.9320000000", tenancy="Dedicated", family="Compute Instance (bare metal)"),
    ]
    changes = refresh_prices(engine, [REGION], endpoint=shop.endpoint)
    assert changes[REGION].new == ("m7i.large", "m7i.metal-24xl")
    assert now(engine, "m7i.large") == (0.11235, None, "2026-11-02")
    assert now(engine, "m7i.metal-24xl") == (5.932, None, "2026-11-02")


def test_a_list_of_many_pages_is_read_to_its_end_through_throttling(shop: PriceList, engine: Engine) -> None:
    shop.products = [product(f"m{number}i.large", REGION, f"{number / 100:.10f}") for number in range(1, 24)]
    shop.page, shop.throttle = 5, 1
    assert len(refresh_prices(engine, [REGION], endpoint=shop.endpoint)[REGION].new) == 23
    assert len([asked for asked in shop.requests if "NextToken" in asked]) >= 4


def test_an_answer_without_end_is_not_read_to_its_end(shop: PriceList, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_PAGES", 5)
    shop.products, shop.endless = [product("m7i.large", REGION, "0.1")], True
    with pytest.raises(PricesUnavailable, match="more than 5 pages"):
        refresh_prices(engine, [REGION], endpoint=shop.endpoint)
    assert len(shop.requests) <= 7


def test_prices_keep_their_history_and_the_same_list_again_changes_nothing(shop: PriceList, engine: Engine) -> None:
    for day, products in (
        ("2026-11-02", {"m7i.large": "0.11235", "c7g.large": "0.0775", "r7a.large": "0.17"}),
        ("2026-11-02", {"m7i.large": "0.11235", "c7g.large": "0.0775", "r7a.large": "0.17"}),
        ("2026-11-09", {"m7i.large": "0.10000", "c7g.large": "0.0775"}),
        ("2026-11-16", {"m7i.large": "0.10000", "c7g.large": "0.0775", "r7a.large": "0.16"}),
    ):
        shop.products = [product(name, REGION, usd, day=day) for name, usd in products.items()]
        changes = refresh_prices(engine, [REGION], endpoint=shop.endpoint)[REGION]
    assert (changes.new, changes.changed, changes.gone, changes.unchanged) == ((), ("r7a.large",), (), 2)
    with engine.connect() as connection:
        rows = {
            name: [(str(row.as_of), str(row.last_seen), row.hourly_price) for row in price_history(connection, name).itertuples()]
            for name in ("m7i.large", "c7g.large")
        }
        gone = price_history(connection, "r7a.large")
    assert rows["m7i.large"] == [("2026-11-02", "2026-11-02", 0.11235), ("2026-11-09", "2026-11-16", 0.1)]
    assert rows["c7g.large"] == [("2026-11-02", "2026-11-16", 0.0775)], "a price that stays keeps the day it was first read"
    assert gone["reason"].tolist()[1] == "not offered"
    assert [str(day) for day in gone["as_of"]] == ["2026-11-02", "2026-11-09", "2026-11-16"]


def test_a_list_says_of_what_is_not_in_it_that_it_is_not_offered(shop: PriceList, engine: Engine) -> None:
    assert now(engine, "c7g.large")[0] == 0.0775, "the offline table, before any list was read"
    shop.products = [product("m7i.large", REGION, "0.11235")]
    refresh_prices(engine, [REGION], endpoint=shop.endpoint)
    assert now(engine, "c7g.large")[:2] == (None, "not offered")
    assert now(engine, "c7g.large", "us-east-1")[0] == 0.0725, "another region's list was never read"


def test_a_later_list_is_not_replaced_by_an_earlier_one(shop: PriceList, engine: Engine) -> None:
    shop.products = [product("m7i.large", REGION, "0.11", day="2026-11-09")]
    refresh_prices(engine, [REGION], endpoint=shop.endpoint)
    shop.products = [product("m7i.large", REGION, "0.12", day="2026-11-02")]
    with pytest.raises(AssayError, match=r"2026-11-02.*2026-11-09 was entered before"):
        refresh_prices(engine, [REGION], endpoint=shop.endpoint)
    assert now(engine, "m7i.large")[0] == 0.11


def test_a_list_that_lost_most_types_is_not_believed_and_no_region_is_changed(shop: PriceList, engine: Engine) -> None:
    shop.products = [product(f"m{n}i.large", region, "0.1") for n in range(1, 9) for region in (REGION, "us-west-2")]
    refresh_prices(engine, ["us-west-2", REGION], endpoint=shop.endpoint)
    shop.products = [product(f"m{n}i.large", "us-west-2", "0.2", day="2026-11-09") for n in range(1, 9)]
    shop.products += [product("m1i.large", REGION, "0.2", day="2026-11-09")]
    with pytest.raises(PricesUnavailable, match=r"7 of 8 types that had a price are not in it, such as m2i\.large"):
        refresh_prices(engine, ["us-west-2", REGION], endpoint=shop.endpoint)
    assert now(engine, "m1i.large", "us-west-2")[0] == 0.1


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"product": {"productFamily": "Compute Instance"}}, "not of the documented form"),
        (product("m7i.large", REGION, "-1"), "'-1' USD an hour; expected 0 to 10000"),
        (product("m7i.large", REGION, "cheap"), "'cheap' USD an hour"),
        (product("m7i.large", REGION, "nan"), "'nan' USD an hour"),
        (product("x" * 100, REGION, "1"), "expected a name like 'm7i.large'"),
        (product("c7g.large", REGION, "0.0999"), "c7g.large has two on-demand prices, 0.0775 and 0.0999"),
        (product("m7i.large", "us-east-1", "0.1"), "regionCode: found 'us-east-1'; expected 'eu-west-1'"),
        (product("m7i.large", REGION, "0.1", day="someday"), "publicationDate"),
    ],
    ids=["form", "negative", "text", "nan", "name", "twice", "region", "day"],
)
def test_an_answer_that_cannot_be_is_refused_whole(
    shop: PriceList, engine: Engine, monkeypatch: pytest.MonkeyPatch, broken: dict[str, object], says: str
) -> None:
    shop.products = [product("c7g.large", REGION, "0.0775"), broken]
    monkeypatch.setattr(shop, "_matches", lambda item, rule: rule["Value"] != "Dedicated")
    with pytest.raises(PricesUnavailable) as refused:
        refresh_prices(engine, [REGION], endpoint=shop.endpoint)
    assert says in str(refused.value)
    with engine.connect() as connection:
        assert latest_prices(connection, [REGION]).empty


def test_a_region_that_is_none_is_said_to_be_none(shop: PriceList, engine: Engine) -> None:
    with pytest.raises(PricesUnavailable, match="found no on-demand price of any type"):
        refresh_prices(engine, ["eu-nowhere-9"], endpoint=shop.endpoint)


@pytest.mark.full
def test_nothing_that_answers_is_one_message(shop: PriceList, engine: Engine) -> None:
    endpoint = shop.endpoint
    shop.stop()
    with pytest.raises(PricesUnavailable, match=f"price list of {REGION}: Could not connect"):
        refresh_prices(engine, [REGION], endpoint=endpoint)


def test_without_credentials_the_message_says_which_and_the_table_stands(
    shop: PriceList, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    assert not api.has_credentials()
    with pytest.raises(PricesUnavailable, match=r"no AWS credentials.*pricing:GetProducts"):
        refresh_prices(engine, [REGION], endpoint=shop.endpoint)
    assert now(engine, "m7i.large", "us-east-1") == (0.1008, None, "2026-01-19")


def test_the_content_of_a_dataset_has_the_prices_of_its_types_and_no_host(workspace: Workspace) -> None:
    content = gather_content(workspace, None)
    assert content.prices.empty
    assert content.cost_region == "us-east-1"
    frame = known_prices(workspace.engine, ["m7i.large", "host-1a2b3c4d"], ("us-east-1",))
    assert frame["instance"].tolist() == ["m7i.large"]


def test_the_commands_refresh_and_list(
    shop: PriceList, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    shop.products = [product("m7i.large", REGION, "0.11235"), product("m7i.large", "us-east-1", "0.1008")]
    monkeypatch.setenv("ASSAY_DATABASE_URL", database_url)
    monkeypatch.setenv("ASSAY_HOME", f"{tmp_path}/home")
    monkeypatch.setenv("ASSAY_PRICE_ENDPOINT", shop.endpoint)
    monkeypatch.setenv("ASSAY_PRICE_REGIONS", f"us-east-1, {REGION}")
    run = CliRunner()
    refreshed = run.invoke(app, ["reference", "prices", "refresh", "--json"])
    assert [(row["region"], row["new"]) for row in json.loads(refreshed.stdout)] == [("us-east-1", 1), (REGION, 1)]
    assert f"{REGION} (2 of 2): 1 types, price list of 2026-11-02" in refreshed.stderr
    listed = json.loads(run.invoke(app, ["reference", "prices", "list", "m7i.large", "--json"]).stdout)
    assert [(row["region"], row["hourly_price"], row["source"]) for row in listed] == [
        ("us-east-1", 0.1008, "AWS Price List API"),
        (REGION, 0.11235, "AWS Price List API"),
    ]
    history = json.loads(run.invoke(app, ["reference", "prices", "list", "m7i.large", "--history", "--json"]).stdout)
    assert {row["as_of"] for row in history} == {"2026-11-02"}
    assert "USD" not in run.invoke(app, ["reference", "prices", "list", "m7i.large"]).stderr
    refused = run.invoke(app, ["reference", "prices", "list", "--history"])
    assert isinstance(refused.exception, AssayError)
    refused = run.invoke(app, ["reference", "prices", "list", "large"])
    assert "is no instance type" in str(refused.exception)
