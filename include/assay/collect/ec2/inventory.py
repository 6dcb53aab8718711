"""The machines, volumes and spot requests that carry our tags, as EC2's own inventory says; and how they are ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assay.collect.ec2.client import in_batches, plain_words
from assay.collect.fleet.names import RUN

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ALIVE = ("pending", "running", "stopping", "stopped")
"""States of a machine that costs something, or may again."""

_AT_ONCE = 100


@dataclass(frozen=True)
class Machine:
    """A machine with our tags. `reason`: code of EC2's StateReason, empty if it gives none."""

    instance_id: str
    instance_type: str
    region: str
    zone: str
    state: str
    reason: str
    launched_at: datetime
    spot: bool
    tags: Mapping[str, str]

    @property
    def alive(self) -> bool:
        """Whether it must still be ended."""
        return self.state in ALIVE


@dataclass(frozen=True)
class Leftover:
    """A volume or a spot request with our tags that no machine uses. `what`: `volume` or `spot request`."""

    what: str
    id: str
    region: str
    created_at: datetime
    tags: Mapping[str, str]


def list_machines(client: EC2Client, tags: Mapping[str, str] | None = None, states: Sequence[str] = ()) -> list[Machine]:
    """Machines with these tags, in these states (default: all), and in any case with our tag of a run; one call a page.

    Raises AwsUnavailable.
    """
    filters: list[Any] = [{"Name": f"tag:{name}", "Values": [value]} for name, value in (tags or {}).items()]
    filters.append({"Name": "tag-key", "Values": [RUN]})
    if states:
        filters.append({"Name": "instance-state-name", "Values": list(states)})
    region = client.meta.region_name
    with plain_words(f"DescribeInstances in {region}"):
        pages = client.get_paginator("describe_instances").paginate(Filters=filters, PaginationConfig={"PageSize": 1000})
        return [
            _machine(region, instance)
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]


def list_leftovers(client: EC2Client) -> list[Leftover]:
    """Volumes that no machine uses, and spot requests that wait for a machine, with our tag of a run. Raises AwsUnavailable."""
    region = client.meta.region_name
    ours: Any = {"Name": "tag-key", "Values": [RUN]}
    with plain_words(f"DescribeVolumes in {region}"):
        pages = client.get_paginator("describe_volumes").paginate(Filters=[ours, {"Name": "status", "Values": ["available"]}])
        found = [
            Leftover("volume", volume["VolumeId"], region, volume["CreateTime"], _tags(volume))
            for page in pages
            for volume in page["Volumes"]
        ]
    with plain_words(f"DescribeSpotInstanceRequests in {region}"):
        requests = client.get_paginator("describe_spot_instance_requests").paginate(
            Filters=[ours, {"Name": "state", "Values": ["open"]}]
        )
        found += [
            Leftover("spot request", asked["SpotInstanceRequestId"], region, asked["CreateTime"], _tags(asked))
            for page in requests
            for asked in page["SpotInstanceRequests"]
        ]
    return found


def terminate(client: EC2Client, instance_ids: Iterable[str]) -> None:
    """End machines, many with one call; one that is gone is no error. Raises AwsUnavailable."""
    from botocore.exceptions import ClientError

    for some in in_batches(instance_ids, _AT_ONCE):
        with plain_words(f"TerminateInstances in {client.meta.region_name}"):
            try:
                client.terminate_instances(InstanceIds=some)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "InvalidInstanceID.NotFound":
                    raise
                if len(some) > 1:  # one that is gone makes EC2 refuse them all
                    for one in some:
                        terminate(client, [one])


def remove(client: EC2Client, leftovers: Iterable[Leftover]) -> None:
    """Delete volumes and cancel spot requests; one that is gone is no error. Raises AwsUnavailable."""
    from botocore.exceptions import ClientError

    for leftover in leftovers:
        with plain_words(f"removing {leftover.what} {leftover.id} in {client.meta.region_name}"):
            try:
                if leftover.what == "volume":
                    client.delete_volume(VolumeId=leftover.id)
                else:
                    client.cancel_spot_instance_requests(SpotInstanceRequestIds=[leftover.id])
            except ClientError as error:
                if not error.response.get("Error", {}).get("Code", "").endswith(".NotFound"):
                    raise


def _machine(region: str, instance: Any) -> Machine:
    return Machine(
        instance_id=instance["InstanceId"],
        instance_type=instance["InstanceType"],
        region=region,
        zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
        state=instance["State"]["Name"],
        reason=instance.get("StateReason", {}).get("Code", ""),
        launched_at=instance["LaunchTime"],
        spot=instance.get("InstanceLifecycle") == "spot",
        tags=_tags(instance),
    )


def _tags(resource: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}
