"""`assay run-fleet`: the path of the fleet by a real Airflow, against an emulated AWS whose machines really boot on this host.

What is measured is this host, under its own label: nothing of it can be published under the name of an EC2 type.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from sqlalchemy import Engine

from assay.database import embedded
from assay.database.machines import MachineEntry, list_machines
from assay.errors import AssayError, DatabaseUnavailable
from assay.orchestration.environment import airflow_home
from assay.orchestration.fleet_report import FleetReport, print_report
from assay.orchestration.follower import Follower, RunFailed
from assay.orchestration.lock import stack_lock
from assay.orchestration.progress import Progress
from assay.orchestration.stack import LocalStack
from assay.settings import Settings
from assay.workspace import open_workspace

if TYPE_CHECKING:
    from assay.emulator.ec2 import Ec2Server

TYPES = ("c7g.large", "c7g.xlarge", "m7i.large", "m7i.xlarge", "r7a.large", "r7a.xlarge")
"""Three families of two types each: Graviton, Intel, AMD."""

TOOLS = "stream,vectors"
"""Enough for a session with numbers in it, and done in seconds."""

_BUCKET = "assay-fleet"
_DAG = "benchmark_instances"


def run_fleet(settings: Settings, *, types: Sequence[str] = TYPES, console: Console | None = None) -> FleetReport:
    """Plan, launch, measure, upload, take over, end and process: machines of these types in an emulated AWS.

    State is below `fleet/` of the settings' home, and of this run alone: what an earlier one left there is removed. Raises
    AssayError where the emulator is not installed or Airflow cannot be started.
    """
    try:
        from assay.emulator.account import as_environment, copy_out, count_left
        from assay.emulator.ec2 import Ec2Server
        from assay.emulator.machines import emulated_fleet
    except ModuleNotFoundError as error:
        raise AssayError(
            f"the emulated AWS needs {error.name}, which is not installed; `make setup` in a checkout does it"
        ) from None
    console = console or Console()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    here = _settings(settings)
    _empty(here.home)
    failure, stored = "", here.home / "storage"
    with Progress(console) as progress, _serving(Ec2Server()) as server, as_environment(server.endpoint):
        _make_bucket()
        progress.say(f"an emulated AWS answers at {server.endpoint}; machines boot on this host, one after the other")
        with (
            emulated_fleet(here.home / "machines", at_once=1),
            LocalStack(here, what="assay run-fleet", triggerer=True, say=progress.say) as stack,
        ):
            progress.say(f"Airflow runs; its UI while this lasts: {stack.url}")
            with open_workspace(settings=here) as workspace:
                try:
                    _run(Follower(stack, progress, _Reports(workspace.engine, here.dataset, progress)), types)
                except RunFailed as error:
                    failure = str(error)
                except KeyboardInterrupt:
                    progress.say("interrupted: stopping the machines, Airflow and what it runs")
                    raise
                machines = _machines(workspace.engine, here.dataset)
                sessions = workspace.ledger.sessions()
                copy_out(workspace.storage, stored)
            progress.say("stopping Airflow")
        left = count_left(here.machine_regions)
        progress.say("stopped")
    verdicts = zip(sessions["subject"], sessions["verdict"].fillna("none yet"), strict=True)
    judged = dict(zip(sessions["session"], verdicts, strict=True))
    report = FleetReport(failure, tuple(types), tuple(machines), judged, left, stored, dict(server.calls))
    print_report(console, report)
    return report


def _settings(settings: Settings) -> Settings:
    """A home of its own, the emulated bucket, and a suite that takes seconds."""
    return settings.model_copy(
        update={
            "home": settings.home / "fleet",
            "database_url": None,
            "storage_url": f"s3://{_BUCKET}/lab",
            "storage_endpoint": None,
            "recordings_url": None,
            "dataset": "default",
            "fleet_market": "on-demand",
            "fleet_executions": 2,
            "fleet_most_executions": 2,
            "fleet_tool_seconds": 1,
            "fleet_tools": TOOLS,
            "fleet_poll_seconds": 5,
        }
    )


def _empty(home: Path) -> None:
    """Remove what an earlier run left; the emulated bucket that its ledger speaks of is gone with it."""
    folder = airflow_home(home)
    folder.mkdir(parents=True, exist_ok=True)
    with stack_lock(folder, "assay run-fleet"):
        embedded.remove(home)
        for found in home.iterdir():
            if found != folder:
                shutil.rmtree(found) if found.is_dir() else found.unlink()


@contextmanager
def _serving(server: Ec2Server) -> Iterator[Ec2Server]:
    try:
        yield server
    finally:
        server.stop()


def _make_bucket() -> None:
    import boto3

    boto3.client("s3").create_bucket(Bucket=_BUCKET)


def _run(follower: Follower, types: Sequence[str]) -> None:
    run = follower.trigger(_DAG, {"target": "EC2", "types": " ".join(types), "dry_run": False})
    missing = None
    try:
        follower.follow(_DAG, run)
    except RunFailed as error:
        if not follower.succeeded(_DAG, run, "hand_over_machines"):
            raise
        missing = error  # some types were measured: they go their way before this is told
    follower.follow("process_sessions", follower.started_by("process_sessions", _DAG, run))
    if missing is not None:
        raise missing


class _Reports:
    """Says what the machines report while they are waited for."""

    def __init__(self, engine: Engine, dataset: str, progress: Progress) -> None:
        self._engine, self._dataset, self._progress = engine, dataset, progress
        self._said: dict[str, str] = {}
        self._next = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 2
        try:
            found = _machines(self._engine, self._dataset)
        except DatabaseUnavailable:
            return  # the stack says why
        for entry in found:
            if entry.says and entry.says != self._said.get(entry.slot) and entry.ended_at is None:
                self._said[entry.slot] = entry.says
                self._progress.say(entry.says)


def _machines(engine: Engine, dataset: str) -> list[MachineEntry]:
    with engine.connect() as connection:
        return list_machines(connection, dataset)
