"""What is known of prices now: what a price list said where one was ever read, the offline table elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from assay.database.prices import latest_prices
from assay.reference.names import is_instance_type
from assay.reference.prices.offline import offline_price
from assay.reference.prices.price import NOT_OFFERED, PRICE_COLUMNS, Price


def known_prices(engine: Engine, instances: Iterable[str], regions: Sequence[str]) -> pd.DataFrame:
    """The prices of types in regions, columns PRICE_COLUMNS, one row each; what is no instance type is left out, as hosts are."""
    with engine.connect() as connection:
        listed = latest_prices(connection, regions)
    return price_frame(combined(listed, instances, regions))


def combined(listed: pd.DataFrame, instances: Iterable[str], regions: Sequence[str]) -> list[Price]:
    """One price for each type and region. `listed`: columns PRICE_ROW_COLUMNS of assay.database.prices.

    A region's price list counts whole: a type that it never had is not offered there. It gives way only to an offline table that
    is later than its last day.
    """
    known = [{str(name): value for name, value in row.items()} for row in listed.to_dict("records")]
    rows = {(row["instance_type"], row["region"]): row for row in known}
    seen: dict[str, Mapping[str, Any]] = {}
    for row in sorted(known, key=lambda row: str(row["last_seen"])):
        seen[row["region"]] = {"day": str(row["last_seen"]), "source": str(row["source"])}
    names = sorted({name for name in instances if is_instance_type(name)})
    return [_one(rows.get((name, region)), seen.get(region), offline_price(name, region)) for name in names for region in regions]


def price_frame(prices: Iterable[Price]) -> pd.DataFrame:
    """Prices as a frame, columns PRICE_COLUMNS."""
    rows = [[getattr(price, name) for name in PRICE_COLUMNS] for price in prices]
    return pd.DataFrame(rows, columns=list(PRICE_COLUMNS)).astype({"hourly_price": "float64"})


def _one(row: Mapping[str, Any] | None, seen: Mapping[str, Any] | None, offline: Price) -> Price:
    if seen is None or offline.as_of > seen["day"]:
        return offline
    if row is None:
        return Price(offline.instance, offline.region, None, NOT_OFFERED, seen["source"], seen["day"])
    price = None if pd.isna(row["hourly_price"]) else float(row["hourly_price"])
    reason = str(row["reason"]) if price is None else None
    return Price(offline.instance, offline.region, price, reason, str(row["source"]), str(row["as_of"]))
