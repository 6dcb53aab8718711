"""What a machine on EC2 gets, on the system that it gets it on: a fresh Debian 13 and packages from the distribution."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from assay.collect.fleet.arrive import take_over
from assay.collect.fleet.launch import Launched, launch, prepare
from assay.collect.fleet.names import ARCHIVE, run_name
from assay.collect.fleet.planning import fleet_request, plan_fleet
from assay.collect.fleet.user_data import PACKAGES
from assay.collect.fleet.watch import judge, look, read_progress
from assay.emulator.ec2 import Ec2Server
from assay.read.sessions import load, read_verified
from assay.session import MANIFEST_NAME
from assay.storage import Storage
from assay.workspace import Workspace
from debian_root import DebianMachine, NoDebian, debian_machine, debian_root, would_install

pytestmark = [pytest.mark.full, pytest.mark.enable_socket]

RUN = run_name("debian 13")
WAIT_S = 1_200


@pytest.fixture
def here(workspace: Workspace, ec2_server: Ec2Server) -> Workspace:
    """A workspace whose storage is a bucket, with the whole suite at the least time a tool may have."""
    boto3.client("s3").create_bucket(Bucket="assay-debian-test")
    url = "s3://assay-debian-test/lab"
    settings = workspace.settings.model_copy(update={"storage_url": url, "fleet_executions": 1, "fleet_tool_seconds": 1})
    return Workspace(settings, "default", Storage.open(url), workspace.engine, workspace.ledger)


@pytest.fixture
def launched(here: Workspace) -> Launched:
    """A machine that EC2 says it has started."""
    (order,) = prepare(here.settings, here.storage, plan_fleet(here.engine, fleet_request(here.settings, ["m7i.large"])), RUN)
    return launch(here.settings, here.storage, order, dataset="default")


@pytest.fixture
def machine(launched: Launched, tmp_path: Path) -> Iterator[DebianMachine]:
    """The same machine for real: its very user data, as EC2 would give it to cloud-init."""
    asked = boto3.client("ec2").describe_instance_attribute(InstanceId=launched.instance_id, Attribute="userData")
    try:
        with debian_machine(tmp_path / "debian", base64.b64decode(asked["UserData"]["Value"])) as machine:
            yield machine
    except NoDebian as reason:
        pytest.skip(f"no fresh Debian 13 here: {reason}")


def test_user_data_and_agent_run_unchanged_in_a_fresh_debian_13(
    here: Workspace, launched: Launched, machine: DebianMachine
) -> None:
    """Install lines, builds, every tool, upload, power off; and the session is read as any other."""
    states: list[str] = []
    deadline = time.monotonic() + WAIT_S
    while not machine.off and machine.process.poll() is None and time.monotonic() < deadline:
        keys = {found.key.removeprefix(launched.prefix) for found in here.storage.list(launched.prefix.rstrip("/"))}
        if MANIFEST_NAME in keys:
            assert ARCHIVE in keys, "the manifest is the last that is written of a session"
        states.append(str(read_progress(here.storage, launched).get("state")))
        time.sleep(0.2)
    machine.process.wait(60)
    log = machine.log()
    assert judge(launched, look(here.storage, RUN, launched.region), {}).outcome == "uploaded", (states[-1:], log[-5_000:])
    assert [line.split()[0] for line in machine.shutdowns] == ["-P", "-P"]
    assert machine.shutdowns[0].startswith("-P +")
    assert machine.shutdowns[1] == "-P now"
    assert {"booted", "running"} <= set(states)
    assert set(PACKAGES) <= machine.installed()

    session = take_over(here, launched)
    assert session in here.storage.read(f"{launched.prefix}boot.log").decode()
    here.ledger.mark_verified([session])
    assert read_verified(here) == [session]
    measurements, executions = load(here, here.ledger.sessions())
    unfinished = executions[executions["status"] != "finished"]
    assert unfinished.empty, unfinished[["tool", "threads", "status", "error"]].to_dict("records")
    ran = [(str(row["tool"]), str(row["implementation"]), str(row["version"])) for row in executions.to_dict("records")]
    assert {("stream", "assay-stream"), ("hpl", "hpcc")} <= {(tool, implementation) for tool, implementation, _ in ran}
    assert all("OpenBLAS" in version for tool, _, version in ran if tool == "hpl"), ran
    assert {tool for tool, _, _ in ran if tool.startswith("stress_ng_")}, ran
    assert {"gcc 14"} <= {str(flags)[:6] for flags in executions["build_flags"]}, "the distribution's compiler"
    found = set(zip(measurements["benchmark"], measurements["metric"], strict=True))
    assert {("stream", "triad_bandwidth"), ("hpl", "gflops"), ("cache_latency", "l1_latency")} <= found
    assert here.ledger.findings().empty


def test_the_packages_are_to_be_had_for_arm64_too(tmp_path: Path) -> None:
    """No arm64 machine runs here: that apt finds a way, by the index of the distribution, is what can be seen."""
    try:
        with debian_root(tmp_path / "debian") as root:
            packages = would_install(root, "arm64", PACKAGES)
    except NoDebian as reason:
        pytest.skip(f"no fresh Debian 13 here: {reason}")
    assert {"gcc", "hpcc", "libopenblas0-pthread", "numactl", "stress-ng"} <= packages
