"""Starting, finding, watching and ending machines on an EC2 over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from assay.collect.ec2.failure import FailureClass, MachineFailed
from assay.collect.ec2.inventory import list_leftovers, list_machines, remove
from assay.collect.fleet.arrive import take_over
from assay.collect.fleet.launch import Launched, Order, launch, prepare
from assay.collect.fleet.names import run_name
from assay.collect.fleet.planning import fleet_request, plan_fleet
from assay.collect.fleet.reap import GRACE, end_slot, forgotten, reap
from assay.collect.fleet.watch import SharedLook, judge, look, read_progress
from assay.emulator.ec2 import Ec2Server, Refusal
from assay.emulator.machines import alive_instances, emulated_fleet
from assay.errors import AwsUnavailable, FleetRefused
from assay.session import format_time
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import Workspace

pytestmark = pytest.mark.enable_socket

RUN = run_name("manual__2026-11-21T18:00:00+00:00")


@pytest.fixture
def here(workspace: Workspace, ec2_server: Ec2Server, bucket_of_run: str) -> Workspace:
    """A workspace whose storage is a bucket, with the smallest suite that there is."""
    settings = workspace.settings.model_copy(
        update={
            "storage_url": f"s3://{bucket_of_run}/lab",
            "fleet_executions": 1,
            "fleet_tool_seconds": 1,
            "fleet_tools": "vectors",
        }
    )
    return Workspace(settings, "default", Storage.open(f"s3://{bucket_of_run}/lab"), workspace.engine, workspace.ledger)


@pytest.fixture
def bucket_of_run(ec2_server: Ec2Server) -> str:
    boto3.client("s3").create_bucket(Bucket="assay-fleet-test")
    return "assay-fleet-test"


def orders(here: Workspace, *types: str, **options: Any) -> list[Order]:
    plan = plan_fleet(here.engine, fleet_request(here.settings, types, **options))
    return prepare(here.settings, here.storage, plan, RUN)


def started(here: Workspace, order: Order) -> Launched:
    return launch(here.settings, here.storage, order, dataset="default")


def the_instance() -> dict[str, Any]:
    (instance,) = alive_instances(boto3.client("ec2"))
    return dict(instance)


def test_a_machine_is_started_so_that_it_cannot_be_entered_and_cannot_stay(here: Workspace) -> None:
    (order,) = orders(here, "m7i.large")
    launched = started(here, Order.from_document(order.to_document()))
    instance, ec2 = the_instance(), boto3.client("ec2")
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert (tags["assay:run"], tags["assay:slot"], tags["assay:owner"]) == (RUN, "m7i.large-1", "assay")
    assert tags["assay:deadline"] == launched.deadline
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert "KeyName" not in instance
    assert instance["InstanceLifecycle"] == "spot"
    behavior = ec2.describe_instance_attribute(InstanceId=launched.instance_id, Attribute="instanceInitiatedShutdownBehavior")
    assert behavior["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    (group,) = ec2.describe_security_groups(GroupIds=[found["GroupId"] for found in instance["SecurityGroups"]])["SecurityGroups"]
    assert (group["GroupName"], group["IpPermissions"]) == ("assay-fleet", [])
    (volume,) = ec2.describe_volumes(Filters=[{"Name": "tag:assay:run", "Values": [RUN]}])["Volumes"]
    assert volume["Encrypted"]
    assert instance["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"]


def test_starting_again_finds_the_machine_and_a_lost_answer_starts_no_second(here: Workspace, ec2_server: Ec2Server) -> None:
    (order,) = orders(here, "m7i.large")
    first = started(here, order)
    again = started(here, order)
    assert (again.instance_id, again.deadline) == (first.instance_id, first.deadline)
    assert ec2_server.calls["RunInstances"] == 1
    # The machine is not listed yet, as right after a launch: the client token keeps a second one from being started. In the same
    # second the request would be the same, and so would be the answer.
    time.sleep(1.1)
    boto3.client("ec2").delete_tags(Resources=[first.instance_id], Tags=[{"Key": "assay:slot"}])
    with pytest.raises(AwsUnavailable, match="was started before"):
        started(here, order)
    assert len(alive_instances(boto3.client("ec2"))) == 1


def test_no_capacity_leads_to_the_next_zone_then_on_demand_then_the_next_region(here: Workspace, ec2_server: Ec2Server) -> None:
    (order,) = orders(here, "m7i.xlarge", regions=("us-east-1", "eu-west-1"))
    zones = [place.zone for place in order.machine.places]
    ec2_server.refusals = [
        Refusal("RunInstances", "InsufficientInstanceCapacity", 99, {"Placement.AvailabilityZone": zone})
        for zone in zones
        if zone.startswith("us-east-1")
    ]
    launched = started(here, order)
    assert (launched.region, launched.market) == ("eu-west-1", "spot")
    tried = len([zone for zone in zones if zone.startswith("us-east-1")])
    assert ec2_server.calls["RunInstances"] == 2 * tried + 1, "every zone as spot, every zone on demand, then the other region"


def test_spot_falls_back_to_on_demand(here: Workspace, ec2_server: Ec2Server) -> None:
    ec2_server.refusals = [
        Refusal("RunInstances", "InsufficientInstanceCapacity", 99, {"InstanceMarketOptions.MarketType": "spot"})
    ]
    (order,) = orders(here, "m7i.large")
    assert started(here, order).market == "on-demand"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InsufficientInstanceCapacity", FailureClass.INSUFFICIENT_CAPACITY),
        ("VcpuLimitExceeded", FailureClass.QUOTA),
        ("Unsupported", FailureClass.UNSUPPORTED),
        ("UnauthorizedOperation", FailureClass.UNCLASSIFIED),
    ],
)
def test_a_refusal_is_classified_by_its_code_and_leaves_nothing(
    here: Workspace, ec2_server: Ec2Server, code: str, kind: FailureClass
) -> None:
    (order,) = orders(here, "m7i.large")
    ec2_server.refusals = [Refusal("RunInstances", code, 99)]
    with pytest.raises(MachineFailed) as failed:
        started(here, order)
    assert failed.value.kind is kind
    assert alive_instances(boto3.client("ec2")) == []
    if kind is FailureClass.UNSUPPORTED:
        assert ec2_server.calls["RunInstances"] == 1, "the type is stopped, not tried in every zone"
    ec2_server.refusals = []
    assert started(here, order).slot == "m7i.large-1", "a rerun completes"


def test_machines_of_a_run_that_has_no_bucket_are_not_started(workspace: Workspace, ec2_server: Ec2Server) -> None:
    plan = plan_fleet(workspace.engine, fleet_request(workspace.settings, ["m7i.large"]))
    with pytest.raises(FleetRefused, match="ASSAY_STORAGE_URL"):
        prepare(workspace.settings, workspace.storage, plan, RUN)


def test_an_opened_security_group_stops_the_run(here: Workspace) -> None:
    orders(here, "m7i.large")
    ec2 = boto3.client("ec2")
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["assay-fleet"]}])["SecurityGroups"]
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    with pytest.raises(FleetRefused, match="no inbound rule"):
        orders(here, "m7i.large")


def test_a_machine_measures_itself_uploads_and_is_gone(here: Workspace, tmp_path: Path) -> None:
    (order,) = orders(here, "m7i.large")
    launched = started(here, order)
    shared = SharedLook(here.storage, RUN, launched.region, seconds=0.5)
    seen: list[str] = []
    with emulated_fleet(tmp_path / "fleet") as fleet:
        deadline = time.monotonic() + 120
        while True:
            standing = judge(launched, shared.view(), read_progress(here.storage, launched))
            seen.append(standing.state)
            if standing.outcome or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        assert standing.outcome == "uploaded", (standing, logs(fleet.folder))
        while alive_instances(boto3.client("ec2")) and time.monotonic() < deadline:
            time.sleep(0.2)
        (machine,) = fleet.machines.values()
        armed = (machine.folder / "shutdown").read_text().splitlines()
    assert alive_instances(boto3.client("ec2")) == [], "it switched itself off"
    assert armed == [f"-P +{order.machine.life_minutes}", "-P now"], "the failsafe is the first thing that it does"
    assert {"booted", "running"} & set(seen)
    session = take_over(here, launched)
    assert take_over(here, launched) == session, "again: the same"
    (row,) = here.ledger.sessions().to_dict("records")
    assert row["session"] == session
    assert row["subject"].startswith("host-"), "what an emulated machine measures is this host, never an EC2 type"
    assert row["labels"]["emulated"] == "m7i.large"
    log = here.storage.read(f"incoming/{RUN}/m7i.large-1/1/boot.log").decode()
    assert session in log


def test_a_machine_that_dies_is_lost_at_the_next_look(here: Workspace) -> None:
    (order,) = orders(here, "m7i.large")
    launched = started(here, order)
    assert judge(launched, look(here.storage, RUN, "us-east-1"), {}).outcome == ""
    boto3.client("ec2").terminate_instances(InstanceIds=[launched.instance_id])
    found = judge(launched, look(here.storage, RUN, "us-east-1"), {"state": "running", "tool": "hpl", "step": 3, "steps": 9})
    assert found.outcome == FailureClass.LOST
    assert "running hpl, step 3 of 9" in found.says


def test_one_look_serves_all_who_wait(here: Workspace, ec2_server: Ec2Server) -> None:
    launched = [started(here, order) for order in orders(here, "m7i.large", machines_per_type=3)]
    ec2_server.calls.clear()
    shared = SharedLook(here.storage, RUN, "us-east-1", seconds=60)
    standings = [judge(each, shared.view(), {}) for each in launched for _ in range(50)]
    assert {standing.outcome for standing in standings} == {""}
    assert ec2_server.calls == {"DescribeInstances": 1}


def test_after_a_machine_that_died_the_next_attempt_is_another_machine_on_demand(here: Workspace) -> None:
    (order,) = orders(here, "m7i.large")
    first = started(here, order)
    here.storage.write(first.prefix + "progress.json", b'{"state": "failed"}')
    boto3.client("ec2").terminate_instances(InstanceIds=[first.instance_id])
    second = started(here, order)
    assert (second.attempt, second.market) == (2, "on-demand")
    assert second.instance_id != first.instance_id
    assert read_progress(here.storage, second) == {}, "what the first one said is not held against it"
    assert started(here, order).instance_id == second.instance_id


def test_a_machine_that_has_uploaded_is_not_started_again(here: Workspace) -> None:
    (order,) = orders(here, "m7i.large")
    first = started(here, order)
    here.storage.write(first.prefix + "manifest.json", b"{}")
    boto3.client("ec2").terminate_instances(InstanceIds=[first.instance_id])
    assert started(here, order).instance_id == first.instance_id


def test_end_slot_ends_the_machines_of_a_slot_and_nothing_else(here: Workspace) -> None:
    one, two = orders(here, "m7i.large", machines_per_type=2)
    first, other = started(here, one), started(here, two)
    assert end_slot(["us-east-1", "eu-west-1"], RUN, one.machine.slot) == [first.instance_id]
    assert the_instance()["InstanceId"] == other.instance_id
    assert end_slot(["us-east-1"], RUN, one.machine.slot) == []


def test_the_reaper_ends_what_outlived_its_deadline_or_its_run_and_leaves_the_rest(here: Workspace) -> None:
    ec2 = boto3.client("ec2")
    stranger = ec2.run_instances(ImageId="ami-0deb1a01000000000", InstanceType="m5.large", MinCount=1, MaxCount=1)["Instances"][0]
    late, unmarked, alive = (started(here, order) for order in orders(here, "m7i.large", machines_per_type=3))
    past = format_time(datetime.now(UTC) - timedelta(minutes=1))
    ec2.create_tags(Resources=[late.instance_id], Tags=[{"Key": "assay:deadline", "Value": past}])
    ec2.delete_tags(Resources=[unmarked.instance_id], Tags=[{"Key": "assay:deadline"}])
    volume = ec2.create_volume(
        AvailabilityZone="us-east-1a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "assay:run", "Value": RUN}]}],
    )
    regions = Settings(fleet_regions="us-east-1,eu-west-1").machine_regions
    would = {each.id: each.reason for each in reap(regions, dry_run=True)}
    assert set(would) == {late.instance_id, unmarked.instance_id}
    assert "outlived its deadline" in would[late.instance_id]
    assert len(alive_instances(ec2)) == 4, "a dry run ends nothing"
    reap(regions, dry_run=False)
    assert {each["InstanceId"] for each in alive_instances(ec2)} == {stranger["InstanceId"], alive.instance_id}
    assert [each.id for each in reap(regions, dry_run=False, ended=lambda tags: tags["assay:run"] == RUN)] == [alive.instance_id]
    assert the_instance()["InstanceId"] == stranger["InstanceId"]
    assert list_machines(ec2, states=("running",)) == []
    assert ec2.describe_volumes(VolumeIds=[volume["VolumeId"]])["Volumes"], "younger than the grace: it may just be being made"
    (left,) = list_leftovers(ec2)
    assert forgotten(left, left.created_at + GRACE) == "no machine uses it"
    remove(ec2, [left, left])
    assert list_leftovers(ec2) == []


def logs(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace")[-3000:] for path in folder.glob("*/assay.*/boot.log"))
