"""Asks the AWS Price List API what a region's types cost: `GetProducts`, page by page, bounded.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html. It needs credentials that may
call `pricing:GetProducts`; asking is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assay.errors import PricesUnavailable
from assay.reference.prices.answer import RegionPrices, region_prices

API_REGION = "us-east-1"
"""The API answers in few regions, and speaks of all."""

MAX_PAGES = 200
"""Of 100 items. A region has about 10 pages of each kind; an answer that does not end is not read to its end."""

_COMMON = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    # Capacity blocks are listed beside the rest, at a price of zero.
    "marketoption": "OnDemand",
}
KINDS: tuple[Mapping[str, str], ...] = (
    {"productFamily": "Compute Instance", "tenancy": "Shared"},
    # Bare metal is never shared: its on-demand price is listed under dedicated tenancy.
    {"productFamily": "Compute Instance (bare metal)", "tenancy": "Dedicated"},
)


def fetch_region(region: str, *, endpoint: str | None = None) -> RegionPrices:
    """The on-demand Linux prices of a region, as the price list says today.

    `endpoint`: another address than Amazon's, such as a test server's. Raises PricesUnavailable where there are no credentials,
    nothing answers, or the answer is not what the API documents; then nothing of it is given.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        client = _client(endpoint)
        return region_prices(region, _items(client, region))
    except (NoCredentialsError, PartialCredentialsError):
        raise PricesUnavailable(
            "no AWS credentials: the price list cannot be asked, and the prices known before stand; set AWS_PROFILE or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of an account that may call pricing:GetProducts"
        ) from None
    except (BotoCoreError, ClientError) as error:
        raise PricesUnavailable(f"price list of {region}: {error}; the prices known before stand") from error


def has_credentials() -> bool:
    """Whether boto3 finds credentials, wherever it looks for them."""
    import boto3

    return boto3.Session().get_credentials() is not None


def _client(endpoint: str | None) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 5, "mode": "standard"})
    return boto3.Session().client("pricing", region_name=API_REGION, endpoint_url=endpoint, config=config)


def _items(client: Any, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for kind in KINDS:
        asked = {"regionCode": region, **_COMMON, **kind}
        filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in asked.items()]
        pages = client.get_paginator("get_products").paginate(
            ServiceCode="AmazonEC2", FormatVersion="aws_v1", Filters=filters, PaginationConfig={"PageSize": 100}
        )
        for number, page in enumerate(pages, start=1):
            if number > MAX_PAGES:
                raise PricesUnavailable(f"price list of {region}: more than {MAX_PAGES} pages of {kind['productFamily']}")
            for text in page["PriceList"]:
                yield text, asked
