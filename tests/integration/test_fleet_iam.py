"""The policy of the operator beside the calls that the fleet makes: none outside it, and nothing in it that is never used."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from assay.collect.ec2.client import ec2_client
from assay.collect.ec2.inventory import Leftover, remove
from assay.collect.fleet.launch import launch, prepare
from assay.collect.fleet.planning import fleet_request, plan_fleet
from assay.collect.fleet.reap import end_slot, reap
from assay.collect.fleet.watch import look, read_progress
from assay.emulator.ec2 import Ec2Server
from assay.settings import project_root
from assay.storage import Storage
from assay.workspace import Workspace

pytestmark = pytest.mark.enable_socket

NOT_CALLED = {
    "ec2:CreateTags": "asked of whoever starts a machine with tags, without a call of its own",
    "pricing:GetProducts": "`assay reference prices refresh`, which tests/integration/test_prices_refresh.py runs",
}


def allowed() -> set[str]:
    policy: Any = json.loads((project_root() / "docs/iam/operator.json").read_text())
    actions = [statement["Action"] for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    return {action for found in actions for action in ([found] if isinstance(found, str) else found)}


def made(server: Ec2Server) -> set[str]:
    """The actions behind the calls that were made, as IAM names them."""
    actions = {f"ec2:{name}" for name in server.calls}
    for method, path, headers in server.requests:
        if "x-amz-target" in headers or not path.startswith("/assay-iam"):
            continue
        below = path.partition("?")[0].removeprefix("/assay-iam").strip("/")
        actions.add({"PUT": "s3:PutObject", "HEAD": "s3:GetObject"}.get(method, "s3:GetObject" if below else "s3:ListBucket"))
    if server.asked_quotas:
        actions.add("servicequotas:ListServiceQuotas")
    return actions


def left_behind() -> tuple[str, str]:
    """A volume and a spot request, as a killed launch could leave them."""
    ec2 = boto3.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    asked = ec2.request_spot_instances(
        LaunchSpecification={"ImageId": "ami-0deb1a01000000000", "InstanceType": "m7i.large"}, SpotPrice="0.01"
    )
    return volume, asked["SpotInstanceRequests"][0]["SpotInstanceRequestId"]


def test_the_policy_allows_what_is_called_and_nothing_else(workspace: Workspace, ec2_server: Ec2Server) -> None:
    boto3.client("s3").create_bucket(Bucket="assay-iam")
    volume, request = left_behind()
    ec2_server.requests.clear()
    ec2_server.calls.clear()
    storage = Storage.open("s3://assay-iam/lab")
    plan = plan_fleet(workspace.engine, fleet_request(workspace.settings, ["m7i.large"]))
    (order,) = prepare(workspace.settings, storage, plan, "run-1")
    launched = launch(workspace.settings, storage, order, dataset="default")
    look(storage, "run-1", launched.region)
    assert read_progress(storage, launched) == {}
    end_slot([launched.region], "run-1", order.machine.slot)
    reap([launched.region], dry_run=False)
    now = datetime.now(UTC)
    for what, found in (("volume", volume), ("spot request", request)):
        remove(ec2_client(launched.region), [Leftover(what, found, launched.region, now, {})])
    called = made(ec2_server)
    assert called - allowed() == set(), "called and not allowed"
    assert allowed() - called - set(NOT_CALLED) == set(), "allowed and never called"
    assert NOT_CALLED.keys() <= allowed()
