"""What EC2 and Service Quotas say of a region: types, zones, spot prices, quotas, what runs. Reads only, page by page."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from assay.collect.ec2.client import in_batches, plain_words, quota_client
from assay.collect.fleet.candidates import Candidate, from_description
from assay.collect.fleet.quota import Running
from assay.collect.fleet.request import Market
from assay.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

FILTER_VALUES = 200
"""As many values as one filter of EC2 may have."""

_PLATFORMS = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")
_OCCUPYING = ("pending", "running", "stopping", "shutting-down")

log = logging.getLogger(__name__)


def describe_types(client: EC2Client, patterns: Sequence[str]) -> dict[str, Candidate]:
    """The types that match the patterns, by name. Raises AwsUnavailable."""
    with plain_words(f"DescribeInstanceTypes in {client.meta.region_name}"):
        pages = client.get_paginator("describe_instance_types").paginate(
            Filters=[{"Name": "instance-type", "Values": list(patterns)}]
        )
        found = (from_description(described) for page in pages for described in page["InstanceTypes"])
        return {candidate.instance_type: candidate for candidate in found}


def describe_zones(client: EC2Client, types: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The availability zones that offer each type; a type that none offers is absent. Raises AwsUnavailable."""
    zones: dict[str, set[str]] = defaultdict(set)
    with plain_words(f"DescribeInstanceTypeOfferings in {client.meta.region_name}"):
        pages = client.get_paginator("describe_instance_type_offerings")
        for some in in_batches(types, FILTER_VALUES):
            asked = pages.paginate(LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": some}])
            for offering in (offering for page in asked for offering in page["InstanceTypeOfferings"]):
                zones[offering["InstanceType"]].add(offering["Location"])
    return {name: tuple(sorted(found)) for name, found in zones.items()}


def describe_spot_prices(client: EC2Client, types: Sequence[str]) -> dict[tuple[str, str], float]:
    """The newest spot price of each type and zone, USD an hour. Raises AwsUnavailable."""
    prices: dict[tuple[str, str], tuple[datetime, float]] = {}
    with plain_words(f"DescribeSpotPriceHistory in {client.meta.region_name}"):
        pages = client.get_paginator("describe_spot_price_history")
        for some in in_batches(types, FILTER_VALUES):
            asked = pages.paginate(
                InstanceTypes=some,  # type: ignore[arg-type]
                ProductDescriptions=list(_PLATFORMS),
                StartTime=datetime.now(UTC) - timedelta(hours=1),
            )
            for entry in (entry for page in asked for entry in page["SpotPriceHistory"]):
                key = entry["InstanceType"], entry["AvailabilityZone"]
                price = entry["Timestamp"], float(entry["SpotPrice"])
                prices[key] = max(prices.get(key, price), price)
    return {key: price for key, (_, price) in prices.items()}


def describe_quotas(region: str) -> dict[str, float]:
    """The values of EC2's quotas by code. Raises AwsUnavailable, as where the permission is missing."""
    with plain_words(f"ListServiceQuotas in {region}"):
        pages = quota_client(region).get_paginator("list_service_quotas").paginate(ServiceCode="ec2")
        return {quota["QuotaCode"]: float(quota["Value"]) for page in pages for quota in page["Quotas"]}


def describe_running(client: EC2Client) -> list[Running]:
    """Every machine of the account that counts against a quota in the region, whoever started it. Raises AwsUnavailable."""
    with plain_words(f"DescribeInstances in {client.meta.region_name}"):
        return [_running(instance) for instance in _instances(client)]


def _instances(client: EC2Client) -> Iterator[Any]:
    pages = client.get_paginator("describe_instances").paginate(
        Filters=[{"Name": "instance-state-name", "Values": list(_OCCUPYING)}], PaginationConfig={"PageSize": 1000}
    )
    for page in pages:
        for reservation in page["Reservations"]:
            yield from reservation["Instances"]


def _running(instance: Any) -> Running:
    cores = instance.get("CpuOptions", {})
    vcpus = cores.get("CoreCount", 0) * cores.get("ThreadsPerCore", 0)
    if not vcpus:
        from assay.reference.catalogue import lookup

        known = lookup(instance["InstanceType"])
        vcpus = known.vcpus if known else 0
    market = Market.SPOT if instance.get("InstanceLifecycle") == "spot" else Market.ON_DEMAND
    return Running(instance["InstanceType"], market, vcpus)


def quotas_or_note(region: str) -> tuple[dict[str, float] | None, str]:
    """The quotas, or None and a note that says why they are not known: a plan can be made without them."""
    try:
        return describe_quotas(region), ""
    except AwsUnavailable as error:
        log.warning("%s", error)
        return None, f"{region}: quotas are not known ({error}); a launch that meets one waits"
