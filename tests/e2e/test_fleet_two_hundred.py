"""Two hundred machines in one run of a real scheduler: waiting takes no worker, and no machine is left.

Each machine uploads a recorded result through its own presigned POST at once. `ASSAY_TEST_MACHINES` is another number of them, in
tens: two hundred take four tasks each, and a scheduler of this size does one or two tasks a second.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import boto3
import pytest
from assay.database.machines import list_machines
from assay.emulator.account import count_left
from assay.emulator.ec2 import Ec2Server
from assay.orchestration.environment import SLOTS
from assay.orchestration.stack import LocalStack
from assay.settings import Settings
from assay.workspace import open_workspace
from scripted_machine import ScriptedFleet

pytestmark = [pytest.mark.full, pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(5400)]

MACHINES = int(os.environ.get("ASSAY_TEST_MACHINES", "200"))
FAMILIES = ("c7g", "m7i", "r7a", "c7a", "m7a")
BUCKET = "assay-two-hundred"
DAG = "benchmark_instances"


def test_many_machines_wait_without_a_worker_and_are_gone(ec2_server: Ec2Server, server_home: Path) -> None:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    settings = Settings(
        home=server_home / "two-hundred",
        storage_url=f"s3://{BUCKET}/lab",
        fleet_market="on-demand",
        fleet_max_instances=MACHINES,
        fleet_max_dollars=10_000,
        fleet_poll_seconds=5,
    )
    types = " ".join(f"{family}.{size}" for family in FAMILIES for size in ("large", "xlarge"))
    fleet, most, deferred = ScriptedFleet(), 0, 0
    with LocalStack(settings, what="the test", triggerer=True) as stack:
        stack.api.unpause(DAG)
        run = stack.api.trigger(DAG, {"target": "EC2", "types": types, "machines": MACHINES // 10, "dry_run": False})
        while (state := stack.api.run_state(DAG, run)) not in ("success", "failed"):
            stack.check()
            states = Counter(task.state for task in stack.api.tasks(DAG, run))
            most, deferred = max(most, states["running"]), max(deferred, states["deferred"])
            if deferred == MACHINES:  # everybody waits: now they may upload
                fleet.boot()
            time.sleep(2)
        with open_workspace(settings=settings) as workspace, workspace.engine.connect() as connection:
            entries = list_machines(connection, "default")
    print(f"{MACHINES} machines: at most {most} workers busy, {deferred} waiting at once; {dict(ec2_server.calls)}")
    assert state == "success"
    assert deferred == MACHINES, "all of them waited at the same time"
    assert most <= SLOTS, "and took no worker for it"
    assert Counter(entry.state for entry in entries) == {"stored": MACHINES}
    assert all(entry.ended_at for entry in entries)
    assert ec2_server.calls["RunInstances"] == MACHINES
    assert count_left(["us-east-1"]).nothing
