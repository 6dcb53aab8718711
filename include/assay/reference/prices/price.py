"""A price, and the words for there being none."""

from __future__ import annotations

from dataclasses import dataclass

CURRENCY = "USD"

PRICE_COLUMNS = ("instance", "region", "hourly_price", "reason", "source", "as_of")
"""`hourly_price` in CURRENCY, on demand, Linux; empty where there is none, and then `reason` says why."""

NOT_OFFERED = "not offered"

MAX_HOURLY_PRICE = 10_000.0
"""USD. The dearest type cost 407 in 2025: what is above this is no hourly price of one machine."""


@dataclass(frozen=True, slots=True)
class Price:
    """What is known of the price of one type in one region. `hourly_price` is None exactly where `reason` says why.

    `as_of`: the day (`2026-01-19`) that the source speaks of; a price that did not change keeps the day it was first read.
    """

    instance: str
    region: str
    hourly_price: float | None
    reason: str | None
    source: str
    as_of: str
