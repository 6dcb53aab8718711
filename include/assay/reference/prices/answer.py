"""One item of the Price List API's answer -> an hourly price. Pure: text in, numbers out.

The form of an item: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from assay.errors import PricesUnavailable
from assay.reference.names import is_instance_type
from assay.reference.prices.price import CURRENCY, MAX_HOURLY_PRICE

MAX_ITEM_CHARS = 262_144
HOURS = "Hrs"


class Product(msgspec.Struct):
    """What is sold."""

    attributes: dict[str, str]
    productFamily: str = ""  # noqa: N815 - the API's spelling


class Dimension(msgspec.Struct):
    """A price for a unit."""

    unit: str
    pricePerUnit: dict[str, str]  # noqa: N815 - the API's spelling


class Term(msgspec.Struct):
    """A way of paying."""

    priceDimensions: dict[str, Dimension]  # noqa: N815 - the API's spelling


class Item(msgspec.Struct):
    """A product and its prices."""

    product: Product
    terms: dict[str, dict[str, Term]]
    publicationDate: str  # noqa: N815 - the API's spelling


@dataclass(frozen=True)
class RegionPrices:
    """What the price list says of one region: its day, USD an hour by type, and the types that it lists without a price."""

    region: str
    published: str
    prices: Mapping[str, float]
    unpriced: frozenset[str]


def region_prices(region: str, items: Iterable[tuple[str, Mapping[str, str]]]) -> RegionPrices:
    """The prices of a region from items as the API gives them, each with the attributes that were asked for.

    A product without an on-demand term, or whose price is zero (a reservation), prices nothing. Raises PricesUnavailable with
    the type and the field where an item is not of the documented form, is not what was asked for, or contradicts another one,
    and where nothing is priced at all.
    """
    prices: dict[str, float] = {}
    listed: set[str] = set()
    published = ""
    for text, asked in items:
        item = _decode(region, text)
        name = _checked(region, item, asked)
        listed.add(name)
        published = max(published, item.publicationDate[:10])
        price = _hourly(region, name, item)
        if price is None:
            continue
        if prices.setdefault(name, price) != price:
            raise PricesUnavailable(
                f"price list of {region}: {name} has two on-demand prices, {prices[name]} and {price} {CURRENCY}; expected one; "
                "the prices known before stand"
            )
    if not prices:
        raise PricesUnavailable(
            f"price list of {region}: found no on-demand price of any type; is it a region? ASSAY_PRICE_REGIONS names them"
        )
    return RegionPrices(region, _day(region, published), prices, frozenset(listed - prices.keys()))


def _decode(region: str, text: str) -> Item:
    if len(text) > MAX_ITEM_CHARS:
        raise PricesUnavailable(f"price list of {region}: an item has {len(text)} characters; expected at most {MAX_ITEM_CHARS}")
    try:
        return msgspec.json.decode(text, type=Item)
    except msgspec.DecodeError as error:  # also a field that is missing or of another type
        raise PricesUnavailable(
            f"price list of {region}: an item is not of the documented form: {error}; the prices known before stand"
        ) from None


def _checked(region: str, item: Item, asked: Mapping[str, str]) -> str:
    name = item.product.attributes.get("instanceType", "")
    if not is_instance_type(name):
        raise PricesUnavailable(f"price list of {region}: found instanceType {name[:80]!r}; expected a name like 'm7i.large'")
    said = {**item.product.attributes, "productFamily": item.product.productFamily}
    for field, value in asked.items():
        if said.get(field) != value:
            raise PricesUnavailable(
                f"price list of {region}: {name}: {field}: found {said.get(field)!r}; expected {value!r}, which was asked for"
            )
    return name


def _hourly(region: str, name: str, item: Item) -> float | None:
    """USD an hour on demand; None where there is no such price."""
    dimensions = [dimension for term in item.terms.get("OnDemand", {}).values() for dimension in term.priceDimensions.values()]
    if not dimensions:
        return None
    if len(dimensions) > 1 or dimensions[0].unit != HOURS or CURRENCY not in dimensions[0].pricePerUnit:
        found = ", ".join(f"{'/'.join(each.pricePerUnit)} per {each.unit}" for each in dimensions[:5])
        raise PricesUnavailable(f"price list of {region}: {name}: found {found}; expected one price in {CURRENCY} per {HOURS}")
    text = dimensions[0].pricePerUnit[CURRENCY]
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price <= MAX_HOURLY_PRICE:
        raise PricesUnavailable(
            f"price list of {region}: {name}: found {text[:40]!r} {CURRENCY} an hour; expected 0 to {MAX_HOURLY_PRICE:g}"
        )
    return price or None


def _day(region: str, text: str) -> str:
    if len(text) != 10 or not text.replace("-", "").isdigit():
        raise PricesUnavailable(f"price list of {region}: publicationDate: found {text!r}; expected a day such as 2026-01-19")
    return text
