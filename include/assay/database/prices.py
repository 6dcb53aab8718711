"""Prices of instance types: what a price list said, kept as history. Facts of their own, of no dataset."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import load_temporary
from assay.database.queries import read_frame
from assay.errors import AssayError

PRICE_ROW_COLUMNS = ("instance_type", "region", "as_of", "last_seen", "hourly_price", "reason", "source")

_LATEST = (
    "SELECT DISTINCT ON (region, instance_type) instance_type, region, as_of, last_seen, hourly_price, reason, source "
    "FROM assay.prices WHERE region = ANY(:regions) ORDER BY region, instance_type, as_of DESC"
)


@dataclass(frozen=True)
class PriceChanges:
    """What a price list changed in a region: types that are new, whose price changed, that went, and the rest."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    unchanged: int


def record_prices(
    connection: Connection, region: str, prices: Mapping[str, float], *, as_of: date, source: str, gone_reason: str
) -> PriceChanges:
    """Enter a region's whole price list (USD an hour by type) of a day. The same list again changes nothing.

    A price that is as before is only seen again; another one is a new row; a type that had a price and is not in the list gets a
    row without one, and `gone_reason`. Raises AssayError where a later list was entered already.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1))"), {"key": f"prices\x1f{region}"})
    known = latest_prices(connection, [region])
    newest = known["last_seen"].max() if len(known) else None
    if newest is not None and newest > as_of:
        raise AssayError(
            f"prices of {region}: found a price list of {as_of}; one of {newest} was entered before; expected a later"
        )
    before: dict[str, float | None] = {
        str(name): None if math.isnan(price) else float(price)
        for name, price in zip(known["instance_type"], known["hourly_price"].astype("float64"), strict=True)
    }
    new = tuple(sorted(prices.keys() - before.keys()))
    changed = tuple(sorted(name for name in prices.keys() & before.keys() if prices[name] != before[name]))
    gone = tuple(sorted(name for name in before.keys() - prices.keys() if before[name] is not None))
    rows = [(name, prices[name], None) for name in (*new, *changed)] + [(name, None, gone_reason) for name in gone]
    connection.execute(
        text(
            "UPDATE assay.prices p SET last_seen = :as_of FROM "
            "(SELECT region, instance_type, max(as_of) AS as_of FROM assay.prices WHERE region = :region "
            "GROUP BY region, instance_type) latest WHERE p.region = latest.region AND "
            "p.instance_type = latest.instance_type AND p.as_of = latest.as_of AND NOT p.instance_type = ANY(:other)"
        ),
        {"as_of": as_of, "region": region, "other": [name for name, _, _ in rows]},
    )
    frame = pd.DataFrame(rows, columns=["instance_type", "hourly_price", "reason"]).astype({"hourly_price": "float64"})
    load_temporary(connection, "given_prices", frame, ["text", "float", "text"])
    connection.execute(
        text(
            "INSERT INTO assay.prices (region, instance_type, as_of, last_seen, hourly_price, reason, source) "
            "SELECT :region, instance_type, :as_of, :as_of, hourly_price, reason, :source FROM given_prices "
            "ON CONFLICT (region, instance_type, as_of) DO UPDATE SET hourly_price = excluded.hourly_price, "
            "reason = excluded.reason, source = excluded.source, last_seen = excluded.last_seen"
        ),
        {"region": region, "as_of": as_of, "source": source},
    )
    return PriceChanges(new, changed, gone, len(prices) - len(new) - len(changed))


def latest_prices(connection: Connection, regions: Collection[str]) -> pd.DataFrame:
    """What holds now: one row a type and region, columns PRICE_ROW_COLUMNS, days as dates."""
    return read_frame(connection, _LATEST, {"regions": list(regions)})


def price_history(connection: Connection, instance_type: str) -> pd.DataFrame:
    """Every price that a type ever had, by region, oldest first; columns PRICE_ROW_COLUMNS."""
    return read_frame(
        connection,
        f"SELECT {', '.join(PRICE_ROW_COLUMNS)} FROM assay.prices WHERE instance_type = :name ORDER BY region, as_of",  # noqa: S608
        {"name": instance_type},
    )
