"""A statistic as the quantity that is published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from assay.dataset.encode import rounded

Quantity: TypeAlias = dict[str, Any]

FURTHER = {
    "cv": "coefficient_variation",
    "cv_within": "variation_within_sessions",
    "cv_between": "variation_between_sessions",
    "outliers": "outliers",
    "summaries": "summaries",
}
"""Columns that say more of a statistic, and their published names. The last four are left out where they are zero."""

_DECIMALS = 9  # of a percentage: what is smaller is the rounding noise of a sum, which differs between processors


@dataclass(frozen=True, slots=True)
class Placed:
    """A quantity and the place that it belongs to; the fields are those of assay.dataset.select.place."""

    subject: str
    benchmark: str
    field: str
    metric: str
    main: bool
    order: int
    configuration: str
    measured: bool
    quantity: Quantity


def quantities(placed: pd.DataFrame) -> Iterator[Placed]:
    """The quantities of placed statistics (assay.dataset.select.place), in their order."""
    rows: Iterable[Any] = placed.itertuples(index=False, name="Row")
    for row in rows:
        yield Placed(
            subject=str(row.subject),
            benchmark=str(row.benchmark),
            field=str(row.field),
            metric=str(row.metric),
            main=bool(row.main),
            order=int(row.order),
            configuration=str(row.configuration),
            measured=bool(row.measured),
            quantity=_quantity(row),
        )


def scaled(quantity: Quantity, factor: float, unit: str) -> Quantity:
    """The quantity in another unit: value, interval and mean times `factor`; spread and sources stay."""
    result = {**quantity, "value": rounded(quantity["value"] * factor), "unit": unit}
    if "confidence_interval" in quantity:
        result["confidence_interval"] = [rounded(bound * factor) for bound in quantity["confidence_interval"]]
        result["mean"] = rounded(quantity["mean"] * factor)
    return result


def ratio(numerator: Quantity | None, denominator: Quantity | None) -> float | None:
    """Quotient of two published medians; None where one is missing or the denominator is zero."""
    if numerator is None or denominator is None or denominator["value"] == 0:
        return None
    return rounded(numerator["value"] / denominator["value"])


def _quantity(row: Any) -> Quantity:
    quantity: Quantity = {
        "value": rounded(row.median),
        "unit": row.unit,
        "sample_size": int(row.n),
        "sessions": int(row.sessions),
        "implementation": row.implementation,
        "configuration": row.configuration,
        "sources": sorted(row.session_ids),
    }
    if row.measured:
        quantity["confidence_interval"] = [rounded(row.ci_low), rounded(row.ci_high)]
        quantity["confidence_level"] = rounded(row.confidence_level)
        quantity["mean"] = rounded(row.mean)
        if isinstance(row.quality, str) and row.quality:
            quantity["quality"] = row.quality
        for column, name in FURTHER.items():
            value = getattr(row, column, None)
            if value is None or not math.isfinite(value):
                continue
            number = rounded(round(value, _DECIMALS)) if isinstance(value, float) else int(value)
            if number or column == "cv":
                quantity[name] = number
    return quantity
