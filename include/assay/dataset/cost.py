"""The ranking `cost_efficiency` of instance-rankings.json: types by what a dollar buys of one metric in one region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from assay.dataset.encode import rounded
from assay.dataset.models.base import SCHEMA_VERSION
from assay.reference.prices.price import CURRENCY
from assay.summarize.rankings import rank

NAME = "cost_efficiency"

METRICS = ("triad_bandwidth", "gflops", "stressngfull.best", "passmark.summ_cpu")
"""The rankings that it can be made of: the first that has two types with a price is taken. Each speaks of the whole machine."""

MIN_TYPES = 2
"""One type alone is no ranking."""


def rankings_document(
    rankings: Mapping[str, Mapping[str, Any]], prices: pd.DataFrame, region: str, last_updated: str
) -> dict[str, Any]:
    """instance-rankings.json: every ranking, and `cost_efficiency` where it can be made."""
    found = cost_efficiency(rankings, prices, region)
    cost = {} if found is None else {NAME: found}
    return {"schema_version": SCHEMA_VERSION, "last_updated": last_updated, "rankings": {**rankings, **cost}}


def of_measured(rankings: Mapping[str, Any]) -> dict[str, Any]:
    """The rankings of measured values among those of instance-rankings.json, by name; that by cost is made of one of them."""
    return {name: ranking for name, ranking in rankings.items() if name != NAME}


def cost_efficiency(rankings: Mapping[str, Mapping[str, Any]], prices: pd.DataFrame, region: str) -> dict[str, Any] | None:
    """The ranking, or None where no metric of METRICS has two types with a price in the region.

    value = median / hourly price, confidence_interval = interval of the median / hourly price; so ranks are shared as in every
    other ranking. `prices`: PRICE_COLUMNS; a price is a fixed number and adds no width.
    """
    here = prices[(prices["region"] == region) & prices["hourly_price"].notna()]
    hourly = {str(name): float(price) for name, price in zip(here["instance"], here["hourly_price"], strict=True) if price > 0}
    for metric in METRICS:
        ranking = rankings.get(metric)
        if ranking is None or not ranking["higher_is_better"]:
            continue
        rows = [row for row in ranking["ranks"] if row["instance"] in hourly]
        if len(rows) >= MIN_TYPES:
            return _ranking(metric, ranking, rows, hourly, region)
    return None


def _ranking(
    metric: str, ranking: Mapping[str, Any], rows: list[Mapping[str, Any]], hourly: Mapping[str, float], region: str
) -> dict[str, Any]:
    unit = f"{ranking['unit']} per {CURRENCY}/h"
    given = pd.DataFrame(
        [
            {
                "subject": row["instance"],
                **ranking["key"],
                "unit": unit,
                "median": rounded(row["value"] / hourly[row["instance"]]),
                "ci_low": rounded(row["confidence_interval"][0] / hourly[row["instance"]]),
                "ci_high": rounded(row["confidence_interval"][1] / hourly[row["instance"]]),
                "n": 0,
                "quality": row.get("quality"),
            }
            for row in rows
        ]
    )
    return {
        "key": dict(ranking["key"]),
        "unit": unit,
        "higher_is_better": True,
        "ranks": [_row(row, hourly) for row in rank(given).itertuples(index=False)],
        "values_at": dict(ranking["values_at"]),
        "of": metric,
        "region": region,
    }


def _row(row: Any, hourly: Mapping[str, float]) -> dict[str, Any]:
    ranked = {
        "rank": int(row.rank),
        "instance": row.subject,
        "value": row.median,
        "confidence_interval": [row.ci_low, row.ci_high],
        "hourly_price": rounded(hourly[row.subject]),
    }
    return {**ranked, "quality": row.quality} if isinstance(row.quality, str) else ranked
