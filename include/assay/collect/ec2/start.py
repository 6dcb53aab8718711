"""Start one machine: exactly one call of RunInstances, with everything that keeps the machine from living too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.collect.ec2.ground import Image
from assay.collect.fleet.estimate import VOLUME_GIB
from assay.collect.fleet.request import Market

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@dataclass(frozen=True)
class Start:
    """What is asked for."""

    instance_type: str
    zone: str
    market: Market
    image: Image
    group_id: str
    user_data: bytes
    token: str
    tags: Mapping[str, str]


def start_request(start: Start) -> dict[str, Any]:
    """The parameters of RunInstances. No key pair is named, so nobody can log in."""
    tags = [{"Key": name, "Value": value} for name, value in start.tags.items()]
    tagged = ["instance", "volume", *(["spot-instances-request"] if start.market is Market.SPOT else [])]
    asked: dict[str, Any] = {
        "ImageId": start.image.image_id,
        "InstanceType": start.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": start.token,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "Placement": {"AvailabilityZone": start.zone},
        "SecurityGroupIds": [start.group_id],
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [
            {
                "DeviceName": start.image.root_device,
                "Ebs": {"VolumeSize": VOLUME_GIB, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True},
            }
        ],
        "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in tagged],
        "UserData": start.user_data.decode(),
    }
    if start.market is Market.SPOT:
        asked["InstanceMarketOptions"] = {
            "MarketType": "spot",
            "SpotOptions": {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"},
        }
    return asked


def start_machine(client: EC2Client, start: Start) -> str:
    """The id of the machine that was started, or that had been started before with the same token.

    Raises botocore's ClientError, whose code says what to do.
    """
    return str(client.run_instances(**start_request(start))["Instances"][0]["InstanceId"])
