"""Prices where no price list can be asked: a dated table that comes with the code.

It lies in `offline.json` beside this module; `python -m assay.reference.prices.generate` writes it. Every region names its own
source and day.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from assay.reference.prices.price import NOT_OFFERED, Price

DATA_FILE = Path(__file__).with_name("offline.json")

UNOFFERED = 0.0
"""In the file: EC2 does not offer the type there. A null: no price is known."""


class Region(msgspec.Struct, frozen=True):
    """Where the prices of a region are from, and the day that they are of."""

    region: str
    source: str
    as_of: str


class Table(msgspec.Struct, frozen=True):
    """The file: the regions, who says what is offered where, and one row a type: its name, then a price for each region."""

    currency: str
    offerings: str
    regions: tuple[Region, ...]
    prices: tuple[tuple[Any, ...], ...]


def offline_price(instance: str, region: str) -> Price:
    """What the table knows of a type in a region; it always answers, if only with the reason why it knows no price."""
    where = _regions().get(region)
    if where is None:
        return Price(instance, region, None, f"no price known offline: the table has no region {region}", "", "")
    number, about = where
    row = _rows().get(instance)
    figure = row[number] if row is not None else None
    if figure is None:
        return Price(instance, region, None, f"no price known offline as of {about.as_of}", about.source, about.as_of)
    if figure == UNOFFERED:
        return Price(instance, region, None, NOT_OFFERED, _table().offerings, about.as_of)
    return Price(instance, region, float(figure), None, about.source, about.as_of)


def regions() -> dict[str, Region]:
    """The regions of the table, by name."""
    return {name: about for name, (_, about) in _regions().items()}


@cache
def _table() -> Table:
    return msgspec.json.decode(DATA_FILE.read_bytes(), type=Table)


@cache
def _regions() -> dict[str, tuple[int, Region]]:
    return {about.region: (number, about) for number, about in enumerate(_table().regions)}


@cache
def _rows() -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in _table().prices}
