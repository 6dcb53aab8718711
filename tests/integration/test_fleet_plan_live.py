"""The plan of a fleet from what an EC2 over HTTP describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from assay.cli import app
from assay.collect.fleet.plan import Plan
from assay.collect.fleet.planning import fleet_request, plan_fleet
from assay.emulator.ec2 import Ec2Server, Refusal
from assay.errors import AwsUnavailable
from assay.workspace import Workspace
from typer.testing import CliRunner

pytestmark = pytest.mark.enable_socket


def planned(workspace: Workspace, *types: str, **options: Any) -> Plan:
    return plan_fleet(workspace.engine, fleet_request(workspace.settings, types, **options))


def test_a_plan_of_families_has_zones_prices_and_reasons(workspace: Workspace, ec2_server: Ec2Server) -> None:
    ec2_server.quotas = {"L-1216C47A": 64.0, "L-34B43A08": 64.0}
    boto3.client("ec2").run_instances(ImageId="ami-12c6146b", InstanceType="c5.2xlarge", MinCount=2, MaxCount=2)
    plan = planned(workspace, "c7g", "m7i.large", "g5.xlarge", max_dollars=1000)
    slots = {machine.slot: machine for machine in plan.machines}
    sizes = ("medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
    assert set(slots) == {"m7i.large-1"} | {f"c7g.{size}-1" for size in sizes}
    assert (slots["c7g.large-1"].isa, slots["m7i.large-1"].isa) == ("arm64", "x86_64")
    assert slots["m7i.large-1"].places[0].on_demand == pytest.approx(0.1008)
    assert {place.region for place in slots["m7i.large-1"].places} == {"us-east-1"}
    reasons = {each.instance_type: each.reason for each in plan.excluded}
    assert set(reasons) == {"c7g.metal", "g5.xlarge"}
    assert "GPU" in reasons["g5.xlarge"]
    on_demand = {(quota.market, quota.running, quota.allowed) for quota in plan.quotas}
    assert on_demand == {("spot", 0, 64.0)}
    assert plan.live
    assert any("wait for each other" in note for note in plan.notes), "128 vCPU are planned, 64 may run"


def test_what_others_run_counts_against_the_quota(workspace: Workspace, ec2_server: Ec2Server) -> None:
    ec2_server.quotas = {"L-1216C47A": 64.0}
    boto3.client("ec2").run_instances(ImageId="ami-12c6146b", InstanceType="c5.2xlarge", MinCount=2, MaxCount=2)
    (quota,) = planned(workspace, "m7i.large", market="on-demand").quotas
    assert (quota.running, quota.allowed, quota.planned) == (16, 64.0, 2)


def test_without_permission_for_quotas_the_plan_says_so(workspace: Workspace, ec2_server: Ec2Server) -> None:
    ec2_server.quotas = None
    plan = planned(workspace, "m7i.large")
    assert plan.quotas[0].allowed is None
    assert any("AccessDenied" in note for note in plan.notes)


def test_an_ec2_that_refuses_is_told_in_one_sentence(workspace: Workspace, ec2_server: Ec2Server) -> None:
    ec2_server.refusals = [Refusal("DescribeInstanceTypes", "UnauthorizedOperation", times=9)]
    with pytest.raises(AwsUnavailable, match="DescribeInstanceTypes in us-east-1: AWS says UnauthorizedOperation"):
        planned(workspace, "m7i.large")


def test_throttling_is_waited_out(workspace: Workspace, ec2_server: Ec2Server) -> None:
    ec2_server.refusals = [Refusal("DescribeInstanceTypes", "RequestLimitExceeded", status="503 Service Unavailable")]
    assert len(planned(workspace, "m7i.large").machines) == 1


@pytest.mark.full
def test_planning_asks_as_often_for_a_hundred_types_as_for_one(workspace: Workspace, ec2_server: Ec2Server) -> None:
    planned(workspace, "m7i.large")
    few = dict(ec2_server.calls)
    ec2_server.calls.clear()
    assert len(planned(workspace, "c*.large", "m*.large", "r*.large", "*.xlarge").machines) > 100
    most = dict.fromkeys(few, 10)
    assert all(count <= most[action] for action, count in ec2_server.calls.items()), "pages, not one call a type"


def test_the_command_shows_the_plan_starts_nothing_and_says_what_stops_it(
    ec2_server: Ec2Server, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", database_url)
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    shown = CliRunner().invoke(app, ["plan", "m7i.large", "c7g.metal"])
    assert shown.exit_code == 0, shown.output
    assert "m7i.large-1" in shown.output
    assert "bare metal" in shown.output
    as_json = CliRunner().invoke(app, ["plan", "m7i.large", "--json", "--max-dollars", "0.001"])
    assert as_json.exit_code == 1
    found = json.loads(as_json.output)
    assert found["startable"] is False
    assert "ASSAY_FLEET_MAX_DOLLARS" in found["stops"][0]
    assert "RunInstances" not in ec2_server.calls
