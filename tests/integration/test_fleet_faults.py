"""Faults, each at every step where it can happen: nothing runs afterwards, the ledger names each state, a rerun completes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import boto3
import pytest
from assay.database import embedded
from assay.database.machines import list_machines
from assay.database.words import OPEN, MachineState
from assay.orchestration.environment import process_environment
from assay.session import format_time
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import Workspace
from fleet_run import FleetRun, Workers
from real_servers import closed_database, opened_database
from scripted_machine import ScriptedFleet, ScriptedMachine, Stopped, running, stays
from trap_server import CUT, FORBIDDEN, GO_ON, THROTTLED, UNAVAILABLE, Trap, TrapServer

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(300)]

REGIONS = ("us-east-1", "eu-west-1")
FIRST, SECOND = "manual__2026-11-21T18:00:00+00:00", "manual__2026-11-21T19:00:00+00:00"


@dataclass
class Lab:
    """Everything that a fault may strike."""

    server: TrapServer
    fleet: ScriptedFleet
    run: FleetRun
    workspace: Workspace
    urls: embedded.Urls
    closed: bool = False

    def trap(self, task: str, call: str, **how: Any) -> None:
        """A trap for the calls of one task of the run."""
        self.server.traps.append(Trap(call, when=lambda: self.run.doing == task, **how))

    def close_database(self) -> None:
        """From now on it takes no connection, and those that there are end."""
        self.closed = True
        closed_database(self.urls, self.run.environment["ASSAY_DATABASE_URL"])

    def heal(self, *, lasting: bool = True) -> None:
        """What was broken from outside is mended; `lasting`: also what does not pass by itself."""
        for trap in self.server.traps:
            if lasting or not trap.lasts:
                trap.times = trap.sprung
        if self.closed:
            opened_database(self.urls, self.run.environment["ASSAY_DATABASE_URL"])
            self.closed = False

    def strike(self, number: int, struck: str = "") -> Callable[[], None]:
        """Kills the process of the task that runs now, and what becomes of the run with it."""

        def do() -> None:
            self.run.struck = struck
            self.run.workers.kill(number)

        return do

    def age(self, machine: ScriptedMachine) -> None:
        """Time passes: a machine has outlived its deadline."""
        past = format_time(datetime.now(UTC) - timedelta(minutes=1))
        machine.client.create_tags(Resources=[machine.instance_id], Tags=[{"Key": "assay:deadline", "Value": past}])
        self.run.late = True


@dataclass(frozen=True)
class Pair:
    """A fault at a step. `ends`: the state of the run that it strikes; `machines`: how many that run starts in all."""

    fault: str
    step: str
    prepare: Callable[[Lab], None]
    ends: str = "success"
    machines: int = 1
    says: str = ""
    """Stands in what the failed tasks say."""

    @property
    def name(self) -> str:
        return f"{self.fault}: {self.step}".replace(" ", "-")


@dataclass(frozen=True)
class Point:
    """A step as a call that a task makes: before it is done, or when it is done and not answered yet."""

    step: str
    task: str
    call: str
    after: bool = False
    interrupted: bool = False
    """It is come to only after the first machine was interrupted."""


POINTS = (
    Point("plan", "plan", "ec2 DescribeInstanceTypes$"),
    Point("plan, ground prepared", "plan", "ec2 DescribeSecurityGroups", after=True),
    Point("launch, before RunInstances", "launch", "ec2 RunInstances"),
    Point("launch, started and not answered", "launch", "ec2 RunInstances", after=True),
    Point("wait", "trigger", "ec2 DescribeInstances"),
    Point("wait, before the second machine", "wait", "ec2 RunInstances", interrupted=True),
    Point("wait, second machine not answered", "wait", "ec2 RunInstances", after=True, interrupted=True),
    Point("store, before", "store", "s3 GET .*session.tar"),
    Point("store, stored and not registered", "store", "s3 PUT .*raw/.*manifest.json", after=True),
    Point("terminate, before", "terminate", "ec2 TerminateInstances"),
    Point("terminate, done and not answered", "terminate", "ec2 TerminateInstances", after=True),
    Point("reap, before", "reap", "ec2 TerminateInstances"),
    Point("reap, done and not answered", "reap", "ec2 TerminateInstances", after=True),
)
TASKS = ("plan", "launch", "wait", "store", "terminate", "reap")


def interrupted(lab: Lab) -> Callable[[ScriptedMachine], None]:
    """EC2 takes it back."""

    def strike(machine: ScriptedMachine) -> None:
        lab.server.interrupt(machine.instance_id)
        raise Stopped

    return strike


def at(point: Point, **how: Any) -> Callable[[Lab], None]:
    """Prepares a trap at a point, and what must have happened for the run to come there."""

    def prepare(lab: Lab) -> None:
        arrange(lab, point)
        what = {name: value(lab) if name == "do" else value for name, value in how.items()}
        lab.trap(point.task, point.call, after=point.after, **what)

    return prepare


def arrange(lab: Lab, point: Point) -> None:
    """What must be there for a run to come to a point."""
    if point.task == "terminate":
        lab.fleet.strikes = [{"shutdown": stays}]
    if point.task == "reap":  # there must be something to reap
        lab.fleet.strikes = [{"measure": stays}]
        lab.trap("trigger", "ec2 DescribeInstances", do=lab.strike(signal.SIGKILL, "dead"), then=CUT)
    if point.interrupted:
        lab.fleet.strikes = [{"measure": interrupted(lab)}]


def kills(fault: str, struck: str, number: int, points: tuple[Point, ...], ends: str) -> Iterator[Pair]:
    for point in points:
        then = GO_ON if point.after else CUT
        state = "failed" if point.task == "reap" else ends
        if fault == "run marked failed" and point.task == "terminate":
            state = "failed"
        yield Pair(
            fault,
            point.step,
            at(point, do=lambda lab: lab.strike(number, struck), then=then),
            state,
            _machines(point, struck),
        )


def _machines(point: Point, struck: str) -> int:
    """How many machines a run starts that is struck at a point."""
    if point.task == "plan" or (point.step == "launch, before RunInstances" and struck in ("dead", "failed")):
        return 0 if struck in ("dead", "failed") else 1
    if point.interrupted:
        return 1 if not point.after and struck in ("dead", "failed") else 2
    return 1


def untold() -> Iterator[Pair]:
    """Killed when all was done and nothing was told yet."""
    for task in TASKS:

        def prepare(lab: Lab, task: str = task) -> None:
            if task == "reap":
                arrange(lab, Point("", "reap", ""))
            lab.run.untold.append(task)

        yield Pair("worker SIGKILL", f"{task}, done and not told", prepare, "failed" if task == "reap" else "success")


def answers(fault: str, then: Any, *, times: int, after: bool = True) -> Iterator[Pair]:
    """Calls that fail so often that a task's own patience ends, at least once."""
    for point in POINTS:
        if point.step == "plan, ground prepared" or (point.after and not after):
            continue
        if point.task == "store" and point.after:
            continue
        yield Pair(
            fault,
            point.step,
            at(point, then=then, times=times),
            "failed" if point.task == "reap" else "success",
            2 if point.interrupted else 1,
        )


def database_away() -> Iterator[Pair]:
    def before(task: str) -> Callable[[Lab], None]:
        def prepare(lab: Lab) -> None:
            lab.run.before[task] = lab.close_database

        return prepare

    for task in ("plan", "launch", "wait", "store", "terminate"):
        yield Pair("database away", f"{task}, before", before(task))

    def after_reaping(lab: Lab) -> None:
        arrange(lab, Point("", "reap", ""))
        lab.run.before["settle"] = lab.close_database

    yield Pair("database away", "reap, before the ledger is told", after_reaping, "failed")
    point = next(point for point in POINTS if point.step == "store, stored and not registered")
    yield Pair("database away", point.step, at(point, do=lambda lab: lab.close_database))
    started = next(point for point in POINTS if point.step == "launch, started and not answered")
    yield Pair("database away", started.step, at(started, do=lambda lab: lab.close_database))


def refused_starts() -> Iterator[Pair]:
    for fault, code, says in (
        ("no capacity in every zone", "InsufficientInstanceCapacity", "INSUFFICIENT_CAPACITY"),
        ("quota", "VcpuLimitExceeded", "QUOTA"),
    ):

        def impatient(lab: Lab) -> None:
            lab.run.environment = {**lab.run.environment, "ASSAY_FLEET_WAIT_MINUTES": "0"}

        def prepare(lab: Lab, code: str = code, impatient: Any = impatient) -> None:
            impatient(lab)
            lab.trap("launch", "ec2 RunInstances", then=("400 Bad Request", code), times=99)

        def for_a_while(lab: Lab, code: str = code) -> None:
            lab.trap("launch", "ec2 RunInstances", then=("400 Bad Request", code), times=99)

        def again(lab: Lab, code: str = code) -> None:
            lab.fleet.strikes = [{"measure": interrupted(lab)}]
            lab.trap("wait", "ec2 RunInstances", then=("400 Bad Request", code), times=99)

        yield Pair(fault, "launch, for good", prepare, "failed", 0, says)
        yield Pair(fault, "launch, for a while", for_a_while)
        yield Pair(fault, "wait, second machine", again, "failed", 1, says)


def struck_machines() -> Iterator[Pair]:
    def crash(machine: ScriptedMachine) -> None:
        machine.reporter.tell("failed", text="the agent ended with exit code 139")  # as boot.sh says it
        machine.switch_off()
        raise Stopped

    def vanish(machine: ScriptedMachine) -> None:
        machine.switch_off()
        raise Stopped

    for step in ("boot", "measure", "session.tar", "manifest.json"):
        name = {"session.tar": "upload", "manifest.json": "upload, before the manifest"}.get(step, step)

        def hang(lab: Lab, step: str = step) -> None:
            def strike(machine: ScriptedMachine) -> None:
                lab.age(machine)
                raise Stopped

            lab.fleet.strikes = [{step: strike}]

        def does(strike: Any, step: str = step) -> Callable[[Lab], None]:
            def prepare(lab: Lab) -> None:
                lab.fleet.strikes = [{step: strike}]

            return prepare

        def taken(lab: Lab, step: str = step) -> None:
            lab.fleet.strikes = [{step: interrupted(lab)}]

        yield Pair("spot interruption", name, taken, machines=2)
        yield Pair("agent crash", name, does(crash), "failed", says="CHECK_FAILED")
        yield Pair("agent hang", name, hang, "failed", says="COMMAND_TIMEOUT")
        yield Pair("manifest never comes", name, does(vanish), "failed", says="LOST")

    def twice(lab: Lab) -> None:
        lab.fleet.strikes = [{"measure": interrupted(lab)}, {"measure": interrupted(lab)}]

    def late(lab: Lab) -> None:
        lab.fleet.strikes = [{"shutdown": interrupted(lab)}]

    yield Pair("spot interruption", "measure, twice", twice, "failed", 2, "INTERRUPTED")
    yield Pair("spot interruption", "store, after the manifest", late)


def refused_uploads() -> Iterator[Pair]:
    for name in ("progress.json", "session.tar", "manifest.json"):

        def prepare(lab: Lab, name: str = name) -> None:
            lab.server.traps.append(Trap(f"s3 POST .*{name}", then=FORBIDDEN, times=99))

        known = name == "progress.json"  # a report that cannot be sent stops nothing
        yield Pair("upload refused", name, prepare, "success" if known else "failed", says="" if known else "CHECK_FAILED")

        def unavailable(lab: Lab, name: str = name) -> None:
            lab.server.traps.append(Trap(f"s3 POST .*{name}", then=UNAVAILABLE))

        yield Pair("API 5xx", f"upload of {name}", unavailable)


def struck_while_uploading() -> Iterator[Pair]:
    """Nothing of ours runs but the triggerer: what is struck is the run."""
    for fault, struck in (("scheduler SIGKILL", "dead"), ("run marked failed", "failed"), ("task cleared", "cleared")):

        def prepare(lab: Lab, struck: str = struck) -> None:
            def strike(machine: ScriptedMachine) -> None:
                lab.run.struck = struck

            lab.fleet.strikes = [{"manifest.json": strike}]

        yield Pair(fault, "upload", prepare, "success" if struck == "cleared" else "failed")


def cleared_afterwards() -> Iterator[Pair]:
    """The whole run is cleared and runs again, from its end."""

    def prepare(lab: Lab) -> None:
        assert lab.run.go() == "success"
        lab.run.sessions.clear()

    yield Pair("task cleared", "run, when all was done", prepare)


def permission_taken() -> Iterator[Pair]:
    for point in POINTS:
        if not point.after and point.task in ("plan", "launch", "terminate", "reap"):
            then = ("403 Forbidden", "UnauthorizedOperation")
            machines = 0 if point.task in ("plan", "launch") else 1
            yield Pair("permission taken away", point.step, at(point, then=then, times=99, lasts=True), "failed", machines)


PAIRS = tuple(
    chain(
        kills("worker SIGKILL", "", signal.SIGKILL, tuple(p for p in POINTS if p.task != "trigger"), "success"),
        untold(),
        kills("triggerer SIGKILL", "", signal.SIGKILL, tuple(p for p in POINTS if p.task == "trigger"), "success"),
        kills("scheduler SIGKILL", "dead", signal.SIGKILL, POINTS[:-2], "failed"),
        kills("run marked failed", "failed", signal.SIGTERM, tuple(p for p in POINTS[:-2] if p.task != "terminate"), "failed"),
        kills("task cleared", "cleared", signal.SIGTERM, POINTS, "success"),
        struck_while_uploading(),
        cleared_afterwards(),
        answers("API 5xx", UNAVAILABLE, times=7),
        answers("throttling", THROTTLED, times=7, after=False),
        answers("connection cut", CUT, times=1),
        database_away(),
        refused_starts(),
        struck_machines(),
        refused_uploads(),
        permission_taken(),
    )
)
SAMPLE = (
    "worker SIGKILL: launch, started and not answered",
    "scheduler SIGKILL: wait",
    "spot interruption: measure",
)


@dataclass
class Tally:
    """What was tried and what passed."""

    tried: set[tuple[str, str]] = field(default_factory=set)
    passed: set[tuple[str, str]] = field(default_factory=set)


@pytest.fixture(scope="module")
def tally(pytestconfig: pytest.Config) -> Iterator[Tally]:
    counted = Tally()
    yield counted
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        faults = len({fault for fault, _ in counted.tried})
        print(f"\nfaults of the fleet: {faults}; pairs (fault, step): {len(counted.tried)} tried, {len(counted.passed)} passed")


@pytest.fixture(scope="module")
def workers(server_urls: embedded.Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    folder = tmp_path_factory.mktemp("workers")
    given = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGIONS[0]}
    workers = Workers(folder, process_environment(os.environ, Settings(home=folder)) | given)
    yield workers
    workers.stop()


@pytest.fixture
def lab(
    workers: Workers, settings: Settings, workspace: Workspace, trap_server: TrapServer, server_urls: embedded.Urls
) -> Iterator[Lab]:
    boto3.client("s3").create_bucket(Bucket="assay-faults")
    url = "s3://assay-faults/lab"
    told = settings.model_copy(update={"storage_url": url, "fleet_poll_seconds": 1, "fleet_regions": ",".join(REGIONS)})
    fleet = ScriptedFleet()
    run = FleetRun(workers, process_environment(os.environ, told), FIRST, fleet.boot)
    there = Workspace(told, "default", Storage.open(url), workspace.engine, workspace.ledger)
    lab = Lab(trap_server, fleet, run, there, server_urls)
    run.healed = lambda: lab.heal(lasting=False)
    yield lab
    lab.heal()


def nothing_runs() -> bool:
    for region in REGIONS:
        ec2 = boto3.client("ec2", region_name=region)
        requests = ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
        waiting = [each for each in requests if each["State"] in ("open", "active")]
        if running(ec2) or ec2.describe_volumes()["Volumes"] or waiting:
            return False
    return True


def all_machines() -> list[str]:
    found = boto3.client("ec2").describe_instances()["Reservations"]
    return [instance["InstanceId"] for reservation in found for instance in reservation["Instances"]]


def every_state_is_named(lab: Lab) -> None:
    """Every machine that was ever started is in the ledger, has ended, and nothing is still to come of any."""
    with lab.workspace.engine.connect() as connection:
        entries = list_machines(connection, "default")
    shown = [(entry.slot, entry.attempt, entry.state, entry.says, entry.ended_at) for entry in entries]
    assert {entry.instance_id for entry in entries} - {None} == set(all_machines()), shown
    assert all(entry.ended_at for entry in entries if entry.instance_id), shown
    assert not [entry for entry in entries if entry.state in set(OPEN)], shown
    kept = [entry.session for entry in entries if entry.session]
    assert sorted(kept) == sorted(set(lab.run.sessions)), shown
    assert {entry.state for entry in entries if entry.session} <= {MachineState.STORED}, shown


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(pair, id=pair.name, marks=[] if f"{pair.fault}: {pair.step}" in SAMPLE else pytest.mark.full)
        for pair in PAIRS
    ],
)
def test_a_fault_leaves_nothing_running_and_a_rerun_completes(lab: Lab, pair: Pair, tally: Tally) -> None:
    tally.tried.add((pair.fault, pair.step))
    pair.prepare(lab)
    state = lab.run.go()
    shown = (lab.run.states, lab.run.said)
    if "reap" not in pair.step:
        assert all(trap.sprung for trap in lab.server.traps), "the fault happened"
        lab.heal()
    lab.run.reap()
    assert all(trap.sprung for trap in lab.server.traps), "the fault happened"
    lab.heal()
    if pair.step.startswith("reap") and pair.fault == "permission taken away":
        lab.run.reap()  # the next hour's
    assert state == pair.ends, shown
    assert pair.says in " ".join(lab.run.said), shown
    assert len(all_machines()) == pair.machines, shown
    assert nothing_runs(), shown
    every_state_is_named(lab)
    stored = lab.run.sessions
    assert len(stored) == (1 if pair.ends == "success" else len(stored))
    rerun = FleetRun(lab.run.workers, lab.run.environment, SECOND, lab.fleet.boot, others={FIRST: state})
    assert rerun.go() == "success", (rerun.states, rerun.said)
    assert rerun.reap() == [], "a run that completes leaves nothing to reap"
    assert nothing_runs()
    known = list(lab.workspace.ledger.sessions()["session"])
    assert sorted(known) == sorted({*stored, *rerun.sessions}), "every session once"
    tally.passed.add((pair.fault, pair.step))


def test_the_matrix_is_as_large_as_it_must_be() -> None:
    assert len({pair.fault for pair in PAIRS}) >= 12
    names = [pair.name for pair in PAIRS]
    assert len(set(names)) == len(names)
    assert {f"{pair.fault}: {pair.step}" for pair in PAIRS} >= set(SAMPLE)
