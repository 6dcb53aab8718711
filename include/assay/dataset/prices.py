"""price-performance.json: what an hour costs, by type and region, and what a dollar buys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from assay.dataset.encode import rounded
from assay.dataset.models.base import SCHEMA_VERSION

CURRENCY = "USD"
PRICE_COLUMNS = ("instance", "region", "hourly_price", "reason", "source", "as_of")
"""`hourly_price` in CURRENCY, on demand, Linux; empty where there is none, and then `reason` says why."""


def price_document(rankings: Mapping[str, Mapping[str, Any]], prices: pd.DataFrame, last_updated: str) -> dict[str, Any]:
    """The document from the rankings and a price table (PRICE_COLUMNS); only types that have a value in a ranking.

    value per dollar = median / hourly price, for metrics where more is better, under the ranking key that fills the container.
    """
    per_type: dict[str, dict[str, tuple[float, str]]] = {}
    for name, ranking in rankings.items():
        if "@" not in name and ranking["higher_is_better"]:
            for row in ranking["ranks"]:
                per_type.setdefault(row["instance"], {})[name] = (row["value"], ranking["unit"])
    instances: dict[str, dict[str, Any]] = {}
    ordered = prices.sort_values(["instance", "region"], kind="stable")
    for instance, region, price, reason, source, as_of in ordered[list(PRICE_COLUMNS)].itertuples(index=False, name=None):
        if instance in per_type:
            instances.setdefault(instance, {})[region] = _region(price, reason, source, as_of, per_type[instance])
    return {"schema_version": SCHEMA_VERSION, "last_updated": last_updated, "currency": CURRENCY, "instances": instances}


def _region(price: Any, reason: Any, source: Any, as_of: Any, values: Mapping[str, tuple[float, str]]) -> dict[str, Any]:
    if pd.isna(price) or price <= 0:
        return {"hourly_price": None, "reason": "not offered" if pd.isna(reason) or not reason else str(reason)}
    return {
        "hourly_price": {"value": rounded(price), "source": str(source), "as_of": str(as_of)},
        "value_per_dollar": {
            name: {"value": rounded(value / price), "unit": f"{unit} per {CURRENCY}/h"} for name, (value, unit) in values.items()
        },
    }
