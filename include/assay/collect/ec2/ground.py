"""What a region needs before a machine can be started in it: the image and a security group that lets nothing in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.collect.ec2.client import plain_words
from assay.collect.fleet.candidates import IMAGES
from assay.errors import FleetRefused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

GROUP = "assay-fleet"
IMAGE_NAME = "debian-13-{architecture}-*"
"""Official images: https://wiki.debian.org/Cloud/AmazonEC2Image/Trixie"""


@dataclass(frozen=True)
class Image:
    """A machine image and the name of its root device."""

    image_id: str
    root_device: str
    name: str


@dataclass(frozen=True)
class Ground:
    """What machines of a region are started with. `images`: by instruction set."""

    region: str
    group_id: str
    images: dict[str, Image]


def prepare_region(client: EC2Client, instruction_sets: Iterable[str], image_owner: str) -> Ground:
    """Find the newest image for each instruction set, and find or make the security group.

    Raises FleetRefused where there is no image or no default VPC, or where somebody has opened the group; AwsUnavailable.
    """
    images = {isa: _newest_image(client, isa, image_owner) for isa in sorted(set(instruction_sets))}
    return Ground(client.meta.region_name, _group(client), images)


def _newest_image(client: EC2Client, isa: str, owner: str) -> Image:
    region = client.meta.region_name
    name = IMAGE_NAME.format(architecture=IMAGES[isa])
    with plain_words(f"DescribeImages in {region}"):
        answer = client.describe_images(
            Owners=[owner],
            Filters=[
                {"Name": "name", "Values": [name]},
                {"Name": "architecture", "Values": [isa]},
                {"Name": "state", "Values": ["available"]},
            ],
        )
    found = sorted(answer["Images"], key=lambda image: (image.get("CreationDate", ""), image["ImageId"]))
    if not found:
        raise FleetRefused(f"{region}: account {owner} has no image {name} for {isa}; ASSAY_FLEET_IMAGE_OWNER names the account")
    newest = found[-1]
    return Image(newest["ImageId"], newest.get("RootDeviceName") or "/dev/xvda", newest.get("Name", ""))


def _group(client: EC2Client) -> str:
    region = client.meta.region_name
    with plain_words(f"DescribeVpcs in {region}"):
        vpcs = client.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise FleetRefused(f"{region}: no default VPC; machines are started in it: `aws ec2 create-default-vpc` makes one")
    vpc = vpcs[0]["VpcId"]
    found = _find_group(client, vpc)
    if found is None:
        _make_group(client, vpc)
        found = _find_group(client, vpc)
    if found is None:
        raise FleetRefused(f"{region}: security group {GROUP} was made and is not there; run again")
    group_id, inbound = found
    if inbound:
        raise FleetRefused(f"{region}: security group {GROUP} lets something in; expected no inbound rule: remove them")
    return group_id


def _find_group(client: EC2Client, vpc: str) -> tuple[str, int] | None:
    with plain_words(f"DescribeSecurityGroups in {client.meta.region_name}"):
        groups = client.describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [GROUP]}, {"Name": "vpc-id", "Values": [vpc]}]
        )["SecurityGroups"]
    return (groups[0]["GroupId"], len(groups[0].get("IpPermissions", []))) if groups else None


def _make_group(client: EC2Client, vpc: str) -> None:
    """A new group has no inbound rule. Another process may make it at the same moment; then it is there, as wanted."""
    from botocore.exceptions import ClientError

    with plain_words(f"CreateSecurityGroup in {client.meta.region_name}"):
        try:
            client.create_security_group(GroupName=GROUP, VpcId=vpc, Description="Machines that measure themselves: nothing in")
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "InvalidGroup.Duplicate":
                raise
