"""price-performance.json: what an hour costs, by type and region, and what a dollar buys."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from assay.dataset.encode import rounded
from assay.dataset.models.base import SCHEMA_VERSION
from assay.reference.prices.price import CURRENCY, NOT_OFFERED, PRICE_COLUMNS

SECONDS = {"nanoseconds": 1e-9, "milliseconds": 1e-3, "seconds": 1.0}
"""Units of time, in seconds: a metric in one of these is not bought by the dollar, it costs dollars."""

_HOUR = 3600.0

__all__ = ["CURRENCY", "PRICE_COLUMNS", "price_document"]


def price_document(
    rankings: Mapping[str, Mapping[str, Any]], prices: pd.DataFrame, last_updated: str, published: Collection[str]
) -> dict[str, Any]:
    """The document from the rankings and a price table (PRICE_COLUMNS); only of `published` types, those with any value.

    value per dollar = median / hourly price, for metrics where more is better. A time t costs price x t / 3600. Both under the
    ranking key that fills the container, for types that are ranked. A number of cycles is neither: a cycle is no time.
    """
    per_type: dict[str, list[tuple[str, float, str]]] = {}
    for name, ranking in rankings.items():
        if "@" not in name:
            for row in ranking["ranks"]:
                per_type.setdefault(row["instance"], []).append((name, row["value"], ranking["unit"]))
    better = {name: bool(ranking["higher_is_better"]) for name, ranking in rankings.items()}
    instances: dict[str, dict[str, Any]] = {}
    ordered = prices.sort_values(["instance", "region"], kind="stable")
    for instance, region, price, reason, source, as_of in ordered[list(PRICE_COLUMNS)].itertuples(index=False, name=None):
        if instance not in published:
            continue
        entry = instances.setdefault(instance, {})
        if pd.isna(price) or price <= 0:
            entry[region] = {"hourly_price": None, "reason": NOT_OFFERED if pd.isna(reason) or not reason else str(reason)}
        else:
            paid = {"hourly_price": {"value": rounded(price), "source": str(source), "as_of": str(as_of)}}
            entry[region] = paid | _bought(price, per_type.get(instance, []), better)
    return {"schema_version": SCHEMA_VERSION, "last_updated": last_updated, "currency": CURRENCY, "instances": instances}


def _bought(price: float, values: list[tuple[str, float, str]], better: Mapping[str, bool]) -> dict[str, Any]:
    gains: dict[str, Any] = {}
    costs: dict[str, Any] = {}
    for name, value, unit in values:
        if better[name]:
            gains[name] = {"value": rounded(value / price), "unit": f"{unit} per {CURRENCY}/h"}
        elif unit in SECONDS:
            costs[name] = {"value": rounded(price * value * SECONDS[unit] / _HOUR), "unit": CURRENCY}
    return {name: found for name, found in (("value_per_dollar", gains), ("cost_per_operation", costs)) if found}
