"""The ledger names the state of every machine: told on the way, or settled by EC2's inventory where a fault left no time to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from assay.collect.ec2.failure import FailureClass
from assay.collect.fleet.launch import Launched, Order, launch, prepare
from assay.collect.fleet.listing import machine_rows
from assay.collect.fleet.planning import fleet_request, plan_fleet
from assay.collect.fleet.reap import end_slot, reap
from assay.collect.fleet.record import (
    record_ended,
    record_launched,
    record_not_started,
    record_outcome,
    record_planned,
    record_report,
    record_stored,
)
from assay.collect.fleet.settle import settle
from assay.database.machines import MachineEntry, list_machines
from assay.emulator.ec2 import Ec2Server
from assay.session import format_time
from assay.storage import Storage
from assay.workspace import Workspace

pytestmark = pytest.mark.enable_socket

REGIONS = ("us-east-1",)


@pytest.fixture
def here(workspace: Workspace, ec2_server: Ec2Server) -> Workspace:
    """A workspace whose storage is a bucket."""
    boto3.client("s3").create_bucket(Bucket="assay-fleet-ledger")
    settings = workspace.settings.model_copy(update={"storage_url": "s3://assay-fleet-ledger/lab"})
    return replace(workspace, settings=settings, storage=Storage.open("s3://assay-fleet-ledger/lab"))


def planned(here: Workspace, machines: int) -> list[Order]:
    plan = plan_fleet(here.engine, fleet_request(here.settings, ["m7i.large"], market="on-demand", machines_per_type=machines))
    orders = prepare(here.settings, here.storage, plan, "run-1", "benchmark_instances/run-1")
    record_planned(here.engine, "default", orders)
    return orders


def started(here: Workspace, order: Order, *, ago: int = 0, told: bool = True) -> Launched:
    """A machine that was started so many seconds ago, as far as the ledger is told."""
    found = launch(here.settings, here.storage, order, dataset="default")
    found = replace(found, launched_at=format_time(datetime.now(UTC) - timedelta(seconds=ago)))
    if told:
        record_launched(here.engine, "default", order, found)
    return found


def entries(here: Workspace) -> dict[str, MachineEntry]:
    with here.engine.connect() as connection:
        return {f"{entry.slot}/{entry.attempt}": entry for entry in list_machines(connection, "default")}


def states(here: Workspace) -> dict[str, str]:
    return {name: entry.state for name, entry in entries(here).items()}


def test_from_the_plan_to_the_stored_session_the_ledger_says_where_a_machine_stands(here: Workspace) -> None:
    (order,) = planned(here, 1)
    seen = [states(here)]
    launched = started(here, order)
    steps: list[Callable[[], None]] = [
        lambda: record_report(here.engine, launched, "booted", "m7i.large-1: booted"),
        lambda: record_report(here.engine, launched, "running", "m7i.large-1: running stream, step 3 of 12"),
        lambda: record_report(here.engine, launched, "invented by a machine", ""),
        lambda: record_outcome(here.engine, launched, "uploaded", "m7i.large-1: uploaded"),
        lambda: record_stored(here.engine, launched, "session-1"),
        lambda: record_ended(here.engine, "run-1", "m7i.large-1", "its task group was over"),
        # Each may come again, from a task that was killed and tried once more: nothing goes back.
        lambda: record_launched(here.engine, "default", order, launched),
        lambda: record_report(here.engine, launched, "running", "m7i.large-1: running stream, step 3 of 12"),
        lambda: record_outcome(here.engine, launched, FailureClass.LOST, "gone"),
        lambda: record_planned(here.engine, "default", [order]),
    ]
    seen.append(states(here))
    for step in steps:
        step()
        seen.append(states(here))
    said = [found["m7i.large-1/1"] for found in seen]
    assert said == ["planned", "launched", "booted", "running", "running", "uploaded", *["stored"] * 6]
    entry = entries(here)["m7i.large-1/1"]
    assert (entry.session, entry.failure, entry.instance_id) == ("session-1", "", launched.instance_id)


def test_what_was_not_started_is_named_beside_what_was(here: Workspace) -> None:
    one, two = planned(here, 2)
    record_not_started(here.engine, "default", one, FailureClass.QUOTA, "QUOTA: no vCPU left")
    launched = started(here, two)
    record_outcome(here.engine, launched, FailureClass.INTERRUPTED, "stopped")
    record_ended(here.engine, "run-1", "m7i.large-2", "its task group was over")
    record_not_started(here.engine, "default", two, FailureClass.INSUFFICIENT_CAPACITY, "none anywhere")
    assert states(here) == {
        "m7i.large-1/1": "not started",
        "m7i.large-2/1": "interrupted",
        "m7i.large-2/2": "not started",
    }
    started(here, one)
    assert states(here)["m7i.large-1/1"] == "launched", "cleared and tried again"
    rows: dict[str, dict[str, Any]] = {
        row["machine"]: row for row in machine_rows(entries(here).values(), datetime.now(UTC) + timedelta(hours=1))
    }
    assert rows["m7i.large-1"]["gone"] == "NO"
    assert float(rows["m7i.large-1"]["usd"]) > 0
    assert rows["m7i.large-2, attempt 2"]["why"] == "INSUFFICIENT_CAPACITY: none anywhere"


def test_after_faults_that_left_no_time_to_tell_one_reap_names_every_state(here: Workspace) -> None:
    untold, lost, uploaded, late, running, never = planned(here, 6)
    alive = started(here, untold, told=False)
    gone = [started(here, order, ago=120) for order in (lost, uploaded)]
    over, living = started(here, late, ago=120), started(here, running)
    here.storage.write(gone[1].prefix + "manifest.json", b"{}")
    ec2 = boto3.client("ec2")
    ec2.terminate_instances(InstanceIds=[each.instance_id for each in gone])
    past = format_time(datetime.now(UTC) - timedelta(minutes=1))
    ec2.create_tags(Resources=[over.instance_id], Tags=[{"Key": "assay:deadline", "Value": past}])
    reaped = reap(REGIONS, dry_run=False)
    said = settle(here, REGIONS, reaped, ended=lambda tags: tags.get("assay:origin") == "benchmark_instances/another")
    assert len(said) == 4, said
    found = entries(here)
    assert states(here) == {
        "m7i.large-1/1": "launched",
        "m7i.large-2/1": "lost",
        "m7i.large-3/1": "uploaded",
        "m7i.large-4/1": "ended",
        "m7i.large-5/1": "launched",
        "m7i.large-6/1": "planned",
    }
    assert found["m7i.large-1/1"].instance_id == alive.instance_id
    assert found["m7i.large-5/1"].instance_id == living.instance_id
    assert "outlived its deadline" in found["m7i.large-4/1"].says
    assert [name for name, entry in found.items() if entry.ended_at] == ["m7i.large-2/1", "m7i.large-3/1", "m7i.large-4/1"]
    assert settle(here, REGIONS) == [], "again: nothing is left to say"
    for order in (untold, running):
        end_slot(REGIONS, "run-1", order.machine.slot)
    settle(here, REGIONS, ended=lambda tags: True)
    assert states(here)["m7i.large-6/1"] == "not started", "its run was over"
    started(here, never)
    assert states(here)["m7i.large-6/1"] == "launched", "and a rerun goes on"
