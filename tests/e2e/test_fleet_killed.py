"""The fleet by a real scheduler: worker and scheduler killed, a run marked failed, a task cleared. No machine survives it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import boto3
import httpx
import psutil
import pytest
from assay.orchestration.api import ApiUnavailable
from assay.orchestration.stack import LocalStack, StackFailed
from assay.settings import Settings
from assay.workspace import open_workspace
from real_servers import serving_aws
from scripted_machine import ScriptedFleet, running, stays
from trap_server import CUT, Trap, TrapServer
from watched import scheduler

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.full, pytest.mark.timeout(1800)]

FLEET, REAPER = "benchmark_instances", "reap_instances"
WAIT = "machine.wait_for_manifest"
OVER = ("success", "failed")


@pytest.fixture(scope="module")
def server() -> Iterator[TrapServer]:
    with pytest.MonkeyPatch.context() as monkeypatch, serving_aws(TrapServer, monkeypatch) as server:
        boto3.client("s3").create_bucket(Bucket="assay-killed")
        yield server


@pytest.fixture(scope="module")
def lab(make_settings: Callable[[], Settings], server: TrapServer) -> Settings:
    return make_settings().model_copy(
        update={"storage_url": "s3://assay-killed/lab", "fleet_poll_seconds": 1, "fleet_wait_minutes": 0}
    )


class Operator:
    """What an operator does in the UI, over Airflow's REST API."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        token = httpx.get(f"{stack.url}/auth/token", timeout=120).json()["access_token"]
        self._client = httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, timeout=120)
        self.ask("PATCH", "/api/v2/dags/process_sessions", {"is_paused": True})  # another matter, and a heavy one

    def ask(self, method: str, path: str, body: dict[str, Any]) -> None:
        answer = self._client.request(method, path, json=body)
        assert answer.is_success, answer.text

    def start(self) -> str:
        conf = {"target": "EC2", "types": "m7i.large", "dry_run": False, "ec2_executions": 1}
        return self.stack.api.trigger(FLEET, conf)

    def until(self, run: str, done: Callable[[dict[str, str]], bool], dag: str = FLEET, seconds: float = 600) -> dict[str, str]:
        """The states of a run's tasks, once they are as wanted."""
        deadline, states = time.monotonic() + seconds, {}
        while time.monotonic() < deadline:
            self.stack.check()
            with contextlib.suppress(ApiUnavailable):  # busy
                states = {task.task: task.state for task in self.stack.api.tasks(dag, run)}
                if done(states):
                    return states
            time.sleep(0.5)
        raise AssertionError(f"after {seconds} s: {states}")

    def ended(self, run: str, dag: str = FLEET) -> tuple[str, dict[str, str]]:
        """The state of a run that is over, and of its tasks."""
        states = self.until(run, lambda _: self.stack.api.run_state(dag, run) in OVER, dag)
        return self.stack.api.run_state(dag, run), states

    def waits(self, run: str) -> dict[str, str]:
        return self.until(run, lambda states: states.get(WAIT) == "deferred")

    def mark_failed(self, run: str) -> None:
        self.ask("PATCH", f"/api/v2/dags/{FLEET}/dagRuns/{quote(run, safe='')}", {"state": "failed"})

    def clear(self, run: str, *tasks: str) -> None:
        body = {"dry_run": False, "dag_run_id": run, "task_ids": list(tasks), "only_failed": False, "include_downstream": True}
        self.ask("POST", f"/api/v2/dags/{FLEET}/clearTaskInstances", body)

    def reap(self) -> str:
        return self.ended(self.stack.api.trigger(REAPER, {}), REAPER)[0]


def nothing_runs() -> bool:
    ec2 = boto3.client("ec2")
    return not running(ec2) and not ec2.describe_volumes()["Volumes"]


def sessions(settings: Settings) -> int:
    with open_workspace(settings=settings) as workspace:
        return len(workspace.ledger.sessions())


def client_of(server: TrapServer) -> psutil.Process:
    """The process that has a connection to the server open, as the one that was just answered does."""
    port = int(server.endpoint.rpartition(":")[2])
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(one.raddr and one.raddr.port == port for one in process.net_connections("tcp")):
                return process
    raise AssertionError("nobody is connected")


def test_no_machine_survives_kills_and_operators(lab: Settings, server: TrapServer) -> None:
    fleet, passed = ScriptedFleet(), []
    with LocalStack(lab, triggerer=True) as stack:
        operator = Operator(stack)

        run = operator.start()
        operator.waits(run)
        fleet.strikes = [{"measure": stays}]
        fleet.boot()
        operator.mark_failed(run)
        state, states = operator.ended(run)
        operator.reap()
        assert (state, states[WAIT], nothing_runs(), sessions(lab)) == ("failed", "failed", True, 0), states
        passed.append(("run marked failed", "wait"))

        run = operator.start()
        operator.waits(run)
        operator.clear(run, WAIT)
        operator.waits(run)
        fleet.boot()
        state, states = operator.ended(run)
        assert (state, nothing_runs(), sessions(lab)) == ("success", True, 1), states
        passed.append(("task cleared", "wait"))

        killed: list[int] = []

        def kill() -> None:
            process = client_of(server)
            killed.append(process.pid)
            process.send_signal(signal.SIGKILL)

        server.traps = [Trap("ec2 RunInstances", after=True, do=kill, then=CUT)]
        run = operator.start()
        operator.waits(run)
        assert len(killed) == 1
        assert len(running(boto3.client("ec2"))) == 1, "the next try finds the machine that the killed one started"
        fleet.boot()
        state, states = operator.ended(run)
        assert (state, nothing_runs(), sessions(lab)) == ("success", True, 2), states
        passed.append(("worker SIGKILL", "launch, started and not answered"))

        run = operator.start()
        operator.waits(run)
        fleet.strikes = [{"measure": stays}]
        fleet.boot()
        scheduler(lab).kill()
        with pytest.raises(StackFailed, match="scheduler ended"):
            operator.until(run, lambda states: False)
    assert len(running(boto3.client("ec2"))) == 1, "nobody was left to end it"
    with LocalStack(lab, triggerer=True) as stack:
        operator = Operator(stack)
        assert operator.ended(run)[0] == "failed", "the next start says what was cut short"
        operator.reap()
        assert nothing_runs()
        passed.append(("scheduler SIGKILL", "wait"))
        run = operator.start()
        operator.waits(run)
        fleet.boot()
        state, states = operator.ended(run)
        assert (state, nothing_runs(), sessions(lab)) == ("success", True, 3), states
        assert operator.reap() == "success", "nothing was left over"
    print(f"faults of the fleet by a real scheduler: {len(passed)} pairs (fault, step) tried, {len(passed)} passed: {passed}")
