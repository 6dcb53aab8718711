"""Many machines at once: waiting for them is one look for all, and what is asked of AWS grows as their number and no faster.

The machines are those of an emulated EC2 that upload a small session each through their own presigned POST, at once.
`ASSAY_TEST_MACHINES` is another number of them than two hundred, in forties.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from dataclasses import replace

import boto3
import pytest
from assay.collect.fleet.arrive import take_over
from assay.collect.fleet.launch import Launched, launch, prepare
from assay.collect.fleet.names import PROGRESS
from assay.collect.fleet.planning import fleet_request, plan_fleet
from assay.collect.fleet.reap import end_slot
from assay.collect.fleet.record import record_launched, record_planned
from assay.collect.fleet.wait import wait_for
from assay.database.machines import list_machines
from assay.emulator.ec2 import Ec2Server
from assay.emulator.machines import alive_instances
from assay.storage import Storage
from assay.workspace import Workspace
from scripted_machine import ScriptedFleet

pytestmark = pytest.mark.enable_socket

BUCKET = "assay-fleet-many"
MANY = int(os.environ.get("ASSAY_TEST_MACHINES", "200"))
TYPES = [f"{family}.{size}" for family in ("c7g", "m7i", "r7a", "c7a", "m7a") for size in ("large", "xlarge")]


@pytest.fixture
def here(workspace: Workspace, ec2_server: Ec2Server) -> Workspace:
    """A workspace whose storage is a bucket, with room for two hundred machines."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    settings = workspace.settings.model_copy(
        update={
            "storage_url": f"s3://{BUCKET}/lab",
            "fleet_max_instances": 200,
            "fleet_max_dollars": 10_000.0,
            "fleet_market": "on-demand",
            "fleet_poll_seconds": 1,
        }
    )
    return replace(workspace, settings=settings, storage=Storage.open(f"s3://{BUCKET}/lab"))


def started(here: Workspace, run: str, machines: int) -> list[Launched]:
    """So many machines of ten types, started by the step that the task calls."""
    types = TYPES[:machines]
    plan = plan_fleet(here.engine, fleet_request(here.settings, types, machines_per_type=machines // len(types)))
    orders = prepare(here.settings, here.storage, plan, run)
    record_planned(here.engine, "default", orders)
    found = []
    for order in orders:
        found.append(launch(here.settings, here.storage, order, dataset="default"))
        record_launched(here.engine, "default", order, found[-1])
    return found


async def waited(here: Workspace, machines: list[Launched]) -> list[str]:
    """The outcome of every wait, all in one loop as in the triggerer; the machines upload after three seconds."""

    log = logging.getLogger("waiting")
    waiting = [asyncio.create_task(wait_for(here.settings, launched, log)) for launched in machines]
    await asyncio.sleep(3)
    assert not any(each.done() for each in waiting), "nothing was uploaded yet"
    await asyncio.to_thread(ScriptedFleet().boot)
    return [standing.outcome for standing in await asyncio.wait_for(asyncio.gather(*waiting), 300)]


def calls_of(here: Workspace, server: Ec2Server, run: str, machines: int) -> tuple[Counter[str], Counter[str]]:
    """What AWS was asked by the steps of a run, and by the waiting between them. Every session is stored, no machine is left."""
    server.forget()
    launched = started(here, run, machines)
    assert len(launched) == machines
    before = counted(server)
    outcomes = asyncio.run(waited(here, launched))
    waiting = counted(server) - before
    assert Counter(outcomes) == {"uploaded": machines}
    after = counted(server)
    sessions = {take_over(here, each) for each in launched}
    for each in launched:
        end_slot([each.region], run, each.slot)
    steps = before + (counted(server) - after)
    assert len(sessions) == machines
    assert alive_instances(boto3.client("ec2")) == []
    with here.engine.connect() as connection:
        entries = list_machines(connection, "default", run)
    assert Counter(entry.state for entry in entries) == {"stored": machines}
    return steps, waiting


def counted(server: Ec2Server) -> Counter[str]:
    """EC2's actions, and S3's requests by what they are."""
    s3 = Counter(
        "read progress" if PROGRESS in path and method == "GET" else "list" if "list-type" in path else f"other S3 {method}"
        for method, path, _ in list(server.requests)
        if path.startswith(f"/{BUCKET}")
    )
    return Counter(server.calls) + s3


def shown(title: str, counts: Counter[str]) -> None:
    print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))


def test_waiting_for_six_machines_asks_for_all_of_them_at_once(here: Workspace, ec2_server: Ec2Server) -> None:
    _, waiting = calls_of(here, ec2_server, "run-6", 6)
    shown("waiting for 6 machines", waiting)
    looks = waiting["list"]
    assert looks >= 3
    # Each machine asks for its user data by one call of its own; the fleet that boots them lists them once.
    assert waiting["DescribeInstances"] <= looks + 1, "one look for all who wait, not one for each"
    assert waiting["read progress"] <= 6 * (looks + 1)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_four_times_as_many_machines_cost_four_times_as_many_calls(here: Workspace, ec2_server: Ec2Server) -> None:
    few, waiting_few = calls_of(here, ec2_server, "run-few", MANY // 4)
    many, waiting_many = calls_of(here, ec2_server, "run-many", MANY)
    for number, steps, waiting in ((MANY // 4, few, waiting_few), (MANY, many, waiting_many)):
        shown(f"{number} machines, steps", steps)
        shown(f"{number} machines, waiting", waiting)
    assert few["RunInstances"] == MANY // 4
    assert many["RunInstances"] == MANY
    for name in ("RunInstances", "DescribeInstances", "TerminateInstances", "list"):
        assert many[name] <= 4 * few[name], name
    assert waiting_many["DescribeInstances"] <= waiting_many["list"] + 1, "one look for all who wait"
