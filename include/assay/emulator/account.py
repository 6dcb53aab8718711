"""The emulated AWS as this process's and its children's only AWS, and what is left in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from assay.emulator.aws import SECRET
from assay.emulator.machines import alive_instances
from assay.storage import Storage

REGION = "us-east-1"


@dataclass(frozen=True)
class Left:
    """What an account still has: machines that are not gone, volumes, and spot requests that are open or have a machine."""

    instances: int
    volumes: int
    spot_requests: int

    def __str__(self) -> str:
        return f"left: {self.instances} instances, {self.volumes} volumes, {self.spot_requests} spot requests"

    @property
    def nothing(self) -> bool:
        """Whether nothing is left."""
        return not (self.instances or self.volumes or self.spot_requests)


@contextmanager
def as_environment(endpoint: str) -> Iterator[None]:
    """The emulator at this endpoint is the environment's AWS for as long as the context lasts; no real account can be reached."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ |= before


def count_left(regions: Iterable[str]) -> Left:
    """What the account has in these regions, whoever made it, by the inventory of EC2."""
    instances = volumes = requests = 0
    for region in regions:
        client = boto3.client("ec2", region_name=region)
        instances += len(alive_instances(client))
        volumes += sum(len(page["Volumes"]) for page in client.get_paginator("describe_volumes").paginate())
        pages = client.get_paginator("describe_spot_instance_requests").paginate(
            Filters=[{"Name": "state", "Values": ["open", "active"]}]
        )
        requests += sum(len(page["SpotInstanceRequests"]) for page in pages)
    return Left(instances, volumes, requests)


def copy_out(storage: Storage, folder: Path) -> int:
    """Write everything that a storage holds below a folder, for who wants to look when the emulator is gone; gives the count."""
    count = 0
    for found in storage.list():
        path = folder / found.key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            for chunk in storage.chunks(found.key):
                target.write(chunk)
        count += 1
    return count
