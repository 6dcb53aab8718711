"""The step that brings prices up to date from the AWS Price List API. The former prices stay as history."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date

from sqlalchemy import Engine

from assay.database.prices import PriceChanges, latest_prices, record_prices
from assay.errors import PricesUnavailable
from assay.reference.prices.answer import RegionPrices
from assay.reference.prices.api import fetch_region
from assay.reference.prices.price import NOT_OFFERED

log = logging.getLogger(__name__)

SOURCE = "AWS Price List API"

MOST_THAT_GO = 0.5
"""Of a region's types. A list that lacks more than this of what had a price is taken for a broken answer, not for the truth."""


def refresh_prices(
    engine: Engine, regions: Sequence[str], *, endpoint: str | None = None, progress: Callable[[str], None] = log.info
) -> dict[str, PriceChanges]:
    """Read the price list of every region and enter what changed; gives the changes by region.

    All lists are read before the first is entered, so that a failure leaves every price as it was. Raises PricesUnavailable with
    the region and what to do; again: reads anew, and enters only what changed since.
    """
    lists = []
    for number, region in enumerate(regions, start=1):
        lists.append(fetch_region(region, endpoint=endpoint))
        progress(f"{region} ({number} of {len(regions)}): {len(lists[-1].prices)} types, price list of {lists[-1].published}")
    with engine.begin() as connection:
        known = latest_prices(connection, regions)
        for found in lists:
            priced = set(known.loc[(known["region"] == found.region) & known["hourly_price"].notna(), "instance_type"])
            _plausible(found, priced)
        return {
            found.region: record_prices(
                connection,
                found.region,
                found.prices,
                as_of=date.fromisoformat(found.published),
                source=SOURCE,
                gone_reason=NOT_OFFERED,
            )
            for found in lists
        }


def _plausible(found: RegionPrices, priced: set[str]) -> None:
    gone = priced - found.prices.keys()
    if len(gone) > MOST_THAT_GO * len(priced):
        raise PricesUnavailable(
            f"price list of {found.region}: {len(gone)} of {len(priced)} types that had a price are not in it, such as "
            f"{min(gone)}; expected at most half; the prices known before stand, try again later"
        )
