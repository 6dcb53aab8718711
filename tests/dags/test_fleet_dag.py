"""The DAGs of the fleet by dag.test(), against an EC2 and an S3 over HTTP whose machines run their real user data."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow_program import InAirflow
from assay.database.machines import list_machines
from assay.emulator.ec2 import Ec2Server, Refusal
from assay.emulator.machines import alive_instances, emulated_fleet
from assay.session import format_time
from assay.settings import Settings
from assay.workspace import Workspace
from told_operator import watched_topic

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

BUCKET = "assay-fleet-dag"


@pytest.fixture
def lab(settings: Settings, ec2_server: Ec2Server) -> Settings:
    """Settings with a bucket, the smallest suite, and no patience for capacity."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return settings.model_copy(
        update={
            "storage_url": f"s3://{BUCKET}/lab",
            "fleet_executions": 1,
            "fleet_tool_seconds": 1,
            "fleet_tools": "vectors",
            "fleet_poll_seconds": 1,
            "fleet_wait_minutes": 0,
        }
    )


def runs(*wanted: tuple[str, dict[str, object]]) -> tuple[str, str]:
    return "run", json.dumps(wanted)


def on_ec2(types: str, **conf: object) -> tuple[str, dict[str, object]]:
    return "benchmark_instances", {"target": "EC2", "types": types, "dry_run": False, **conf}


def states(run: dict[str, Any]) -> dict[tuple[str, int], str]:
    return {(task, index): state for task, index, state, _ in run["tasks"]}


@pytest.mark.full
def test_three_types_one_of_which_dies_leave_two_sessions_and_no_machine(
    in_airflow: InAirflow, lab: Settings, workspace: Workspace, ec2_server: Ec2Server, tmp_path: Path
) -> None:
    with emulated_fleet(tmp_path / "fleet", doomed=("m7i.xlarge",)):
        answer = in_airflow(lab, *runs(on_ec2("c7g.large m7i.large m7i.xlarge")))
    assert alive_instances(boto3.client("ec2")) == []
    (run,) = answer.value
    found = states(run)
    shown = answer.log[-8000:]
    assert [found["machine.launch", index] for index in range(3)] == ["success"] * 3, shown
    assert [found["machine.wait_for_manifest", index] for index in range(3)] == ["success", "success", "failed"], shown
    assert [found["machine.store", index] for index in range(3)] == ["success", "success", "upstream_failed"], shown
    assert [found["machine.terminate", index] for index in range(3)] == ["success"] * 3, shown
    assert found["hand_over_machines", -1] == "success", "the two sessions go their way"
    assert found["hand_over", -1] == "skipped"
    assert found["every_session_measured", -1] == "upstream_failed"
    assert run["state"] == "failed"
    assert found["measure", -1] == "skipped", "this host was not asked for"
    sessions = workspace.ledger.sessions()
    assert sorted(labels["emulated"] for labels in sessions["labels"]) == ["c7g.large", "m7i.large"]
    with workspace.engine.connect() as connection:
        machines = {entry.slot: entry for entry in list_machines(connection, "default")}
    assert {slot: (entry.state, entry.failure) for slot, entry in machines.items()} == {
        "c7g.large-1": ("stored", ""),
        "m7i.large-1": ("stored", ""),
        "m7i.xlarge-1": ("lost", "LOST"),
    }
    assert {entry.session for entry in machines.values()} == {*sessions["session"], None}
    assert all(entry.ended_at for entry in machines.values()), "the ledger knows that all are gone"
    assert "LOST: m7i.xlarge-1" in answer.log
    assert "X-Amz-Signature" not in answer.log, "no permission of a machine in a log"
    assert ec2_server.calls["RunInstances"] == 3


@pytest.mark.full
def test_a_dry_run_shows_the_plan_and_a_limit_or_no_capacity_starts_nothing(
    in_airflow: InAirflow, lab: Settings, ec2_server: Ec2Server
) -> None:
    ec2_server.refusals = [Refusal("RunInstances", "InsufficientInstanceCapacity", 99)]
    answer = in_airflow(
        lab,
        *runs(
            # In this order: dag.test() keeps what a run was told for the next run of the same process.
            on_ec2("m7i.large", dry_run=True),
            on_ec2("m7i.large"),
            on_ec2("m7i.large", max_dollars=0.001),
            ("benchmark_instances", {"target": "elsewhere"}),
        ),
    )
    dry, full, dear, wrong = answer.value
    assert dry["state"] == "success", answer.log[-6000:]
    assert "this was a dry run" in answer.log
    assert states(dear)["plan_fleet", -1] == "failed"
    assert "ASSAY_FLEET_MAX_DOLLARS" in answer.log
    assert states(full)["machine.launch", 0] == "failed"
    assert full["state"] == "failed"
    assert "INSUFFICIENT_CAPACITY" in answer.log
    assert wrong["state"] == "refused"
    assert alive_instances(boto3.client("ec2")) == []


@pytest.mark.full
def test_the_reaper_ends_what_was_forgotten_and_fails_so_that_somebody_looks(
    in_airflow: InAirflow, lab: Settings, ec2_server: Ec2Server
) -> None:
    ec2 = boto3.client("ec2")
    past, later = (format_time(datetime.now(UTC) + timedelta(minutes=minutes)) for minutes in (-1, 60))
    for deadline, origin in ((past, "benchmark_instances/of-another-airflow"), (later, "benchmark_instances/of-another-airflow")):
        tags = {"assay:run": "r", "assay:owner": "assay", "assay:deadline": deadline, "assay:origin": origin}
        ec2.run_instances(
            ImageId="ami-0deb1a01000000000",
            InstanceType="m7i.large",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}],
        )
    topic, queue = watched_topic("alarms")
    answer = in_airflow(lab.model_copy(update={"alarm_sns_topic": topic}), *runs(("reap_instances", {}), ("reap_instances", {})))
    first, second = answer.value
    expected = {("reap", -1): "success", ("settle", -1): "success", ("nothing_was_left", -1): "failed"}
    assert states(first) == expected, answer.log[-6000:]
    assert second["state"] == "success", "and then nothing is left"
    (message,) = queue.receive_messages(MaxNumberOfMessages=10)
    told = json.loads(message.body)
    assert told["Subject"] == "Assay: reap_instances.nothing_was_left failed"
    assert "of run r: outlived its deadline" in told["Message"], "the operator is told what was left, and why"
    (alive,) = alive_instances(ec2)
    assert {"Key": "assay:deadline", "Value": later} in alive["Tags"], "of a run that is not known here: its deadline decides"
