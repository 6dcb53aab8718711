"""Recordings on their whole way, every part a process of its own: shippers, ingestion API, S3, queue, scheduler, processors.

The sizes of the long one may be changed: `ASSAY_TEST_SESSION_MB` (default 600).
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import boto3
import httpx
import psutil
import pytest
from assay.emulator.program import aws_process
from assay.ingest.events import manifest_keys
from assay.orchestration.environment import process_environment
from assay.orchestration.stack import LocalStack
from assay.session import MANIFEST_NAME
from assay.settings import Settings
from assay.storage.recording_bucket import BucketRules, prepare
from assay.workspace import Workspace, open_workspace
from large_recordings import MB, sessions
from made_labs import LAB
from made_recordings import make_key
from peak_memory import PeakMemory
from real_servers import REGION, as_environment
from shippers import finish, kill, start, wait_until
from watched import scheduler

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(3000)]

BUCKET = "recordings"


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder for large files; not in memory."""
    folder = Path(tempfile.mkdtemp(prefix="assay-e2e-recordings-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def lab_settings(make_settings: Callable[[], Settings], disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with AWS beside: a locked bucket for recordings, whose manifests a queue is told of, and one for what is made."""
    with aws_process(disk / "aws") as endpoint:
        as_environment(endpoint, monkeypatch)
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        prepare(BUCKET, BucketRules(retention_days=1), endpoint=endpoint)
        s3.delete_bucket_policy(Bucket=BUCKET)  # the emulator knows no conditions and would deny every write
        s3.create_bucket(Bucket="made")
        queue = sqs.create_queue(QueueName="manifests")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        told = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
        told["Filter"] = {"Key": {"FilterRules": [{"Name": "suffix", "Value": MANIFEST_NAME}]}}
        s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [told]})
        yield make_settings().model_copy(
            update={
                "storage_url": "s3://made/assay",
                "recordings_url": f"s3://{BUCKET}/labs",
                "storage_region": REGION,
                "recording_queue": queue,
            }
        )


class IngestionApi:
    """`assay serve` as a process, which may be killed and started again on the same port."""

    def __init__(self, settings: Settings) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port = int(found.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}/recordings/"
        self._environment = process_environment(os.environ, settings)
        del self._environment["ASSAY_STACK"]  # it is no part of the local Airflow
        self._log = (settings.home / "serve.log").open("ab")
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "assay.cli", "serve", "--port", str(self._port)]
        self._process = subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)
        wait_until(self._answers)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self.kill()
        self._log.close()

    def _answers(self) -> bool:
        assert self._process.poll() is None
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}v1/health").status_code == 200
        return False


@dataclass(frozen=True)
class Run:
    """One DAG run: when its first task could begin, and the manifests that it was told of."""

    state: str
    started: datetime | None
    told: frozenset[str]


def runs(stack: LocalStack, dag: str) -> list[Run]:
    found = []
    for run in stack.api._pages(f"/api/v2/dags/{dag}/dagRuns", "dag_runs"):
        events = stack.api._call("GET", f"/api/v2/dags/{dag}/dagRuns/{run['dag_run_id']}/upstreamAssetEvents")["asset_events"]
        told = frozenset(manifest_keys([event["extra"].get("payload") for event in events]))
        found.append(Run(run["state"], run["start_date"] and datetime.fromisoformat(run["start_date"]), told))
    return found


def seconds_to_a_run(ingested: list[Run]) -> list[float]:
    """From the arrival of every manifest in S3 to the first run that began after it: it enters all that is complete."""
    objects = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="labs/")["Contents"]  # fewer than a page of a thousand
    arrived = {item["Key"].removeprefix("labs/"): item["LastModified"] for item in objects if item["Key"].endswith(MANIFEST_NAME)}
    print(f"{len(arrived)} manifests, of which runs were told: {[len(run.told) for run in ingested]}")
    began = [run.started for run in ingested if run.started]
    after = [[(start - at).total_seconds() for start in began if start >= at] for at in arrived.values()]
    return sorted(min(seconds, default=math.inf) for seconds in after)


def ended(stack: LocalStack, workspace: Workspace, count: int) -> bool:
    """Whether so many sessions are judged, all of their files processed, and nothing runs any more."""
    stack.check()
    labs = workspace.of_dataset(LAB.dataset)
    if len(labs.ledger.sessions(states=["judged"])) < count or len(labs.ledger.unprocessed()):
        time.sleep(1)
        return False
    active = [run.state for dag in ("ingest_recordings", "process_sessions") for run in runs(stack, dag)]
    time.sleep(1)
    return not {"queued", "running"} & set(active)


def take(settings: Settings, disk: Path, count: int, size: int, *, kills: int, restarts: int) -> list[float]:
    """Ship so many sessions with two shippers, one killed and the API too so many times; see that all is as it should be.

    Gives, for every manifest, the seconds from its arrival to a running DAG run.
    """
    directories = {name: disk / name for name in ("a", "b")}
    hashes: dict[str, dict[str, str]] = {}
    for number, directory in enumerate(directories.values()):
        hashes |= sessions(directory, count // 2, size, first=number * (count // 2))
    chance = random.Random(5)
    with contextlib.ExitStack() as open_:
        stack = open_.enter_context(LocalStack(settings, triggerer=True))
        workspace = open_.enter_context(open_workspace(LAB.dataset, settings))
        memory = open_.enter_context(PeakMemory(psutil.Process(scheduler(settings).pid)))
        api = IngestionApi(settings)
        open_.callback(api.stop)
        keys = [make_key(workspace.engine, lab=LAB.name, dataset=LAB.dataset, requests_per_minute=6000) for _ in directories]
        began = time.monotonic()

        def ship(number: int) -> subprocess.Popen[str]:
            name = "ab"[number]
            zone = {"ASSAY_SHIP_TIME_ZONE": "UTC"}
            return start(api.url, keys[number], disk / f"home-{name}", directories[name], "--quiet", "60", **zone)

        first, second = ship(0), ship(1)
        for interruption in range(max(kills, restarts)):
            time.sleep(4 + chance.uniform(0, 4) * min(size / (100 * MB), 1))
            if interruption < restarts:
                api.kill()
                api.start()
            if interruption < kills:
                kill(first)
                first = ship(0)
        peaks = [arrived(first, lambda: ship(0)), arrived(second, lambda: ship(1))]
        shipped = time.monotonic() - began
        print(f"{count} sessions of {size / MB:.0f} MB: shipped in {shipped:.0f} s", flush=True)
        print(f"peak memory of the shippers: {', '.join(f'{peak:.0f}' for peak in peaks)} MB", flush=True)
        wait_until(lambda: ended(stack, workspace, count), 2400)
        print(f"processed {time.monotonic() - began:.0f} s after the beginning")
        processors, tasks = memory.of("assay.preprocess.apart"), memory.of("airflow worker")
        print(f"peak memory of the processors: {', '.join(f'{peak:.0f}' for peak in processors)} MB; tasks: {tasks[:5]} MB")
        waited = seconds_to_a_run(runs(stack, "ingest_recordings"))
        print(f"from a manifest's arrival to a running DAG run: median {statistics.median(waited):.1f} s of {waited}", flush=True)
        # One more may be running, which an event that came late has started.
        assert "failed" not in {run.state for dag in ("ingest_recordings", "process_sessions") for run in runs(stack, dag)}
        all_is_as_it_was_recorded(workspace, hashes)
    assert max(peaks) < 300
    assert max(processors) < 300
    assert len(waited) == count
    assert all(map(math.isfinite, waited)), "a run began after every manifest"
    return waited


def arrived(shipper: subprocess.Popen[str], again: Callable[[], subprocess.Popen[str]]) -> float:
    """Wait until it has shipped everything, started again as by cron where the API was away for too long; its peak memory."""
    for _ in range(5):
        if shipper.wait(2000) == 0:
            break
        shipper.communicate()
        shipper = again()
    return finish(shipper)


def all_is_as_it_was_recorded(workspace: Workspace, hashes: dict[str, dict[str, str]]) -> None:
    """Every file lies in raw storage byte for byte, was processed once, and what was made leads back to it."""
    ledger = workspace.ledger
    found = ledger.sessions()
    folders = {row.session: row.labels["folder"] for row in found.itertuples()}
    assert sorted(folders.values()) == sorted(hashes)
    assert set(found["state"]) == {"judged"}
    assert set(found["verdict"]) <= {"accepted", "accepted with warnings"}
    prefixes = dict(zip(found["session"], found["prefix"], strict=True))
    stored = {item.key for item in workspace.recordings.list("raw/recording")}
    assert stored == {
        prefixes[session] + path for session, folder in folders.items() for path in (*hashes[folder], MANIFEST_NAME)
    }
    for session, folder in folders.items():
        for path, sha256 in hashes[folder].items():
            assert workspace.recordings.sha256(prefixes[session] + path) == sha256
    done = ledger.processing()
    assert sorted(zip(done["session"].map(folders), done["path"], done["input_sha256"], done["state"], strict=True)) == sorted(
        (folder, path, sha256, "done")
        for folder, files in hashes.items()
        for path, sha256 in files.items()
        if path != "metadata.txt"
    )
    made = ledger.processed_files()
    for row in made.itertuples():
        assert row.input_sha256 == hashes[folders[row.session]][row.path]
        assert workspace.storage.sha256(row.key) == row.sha256
        if row.processor == "copy":
            assert row.sha256 == row.input_sha256
    assert {item.key for item in workspace.storage.list("processed/recordings")} == set(made["key"])


def test_two_sessions_go_all_the_way_while_a_shipper_and_the_api_are_killed(lab_settings: Settings, disk: Path) -> None:
    take(lab_settings, disk, 2, 3 * MB, kills=1, restarts=1)


@pytest.mark.full
def test_ten_large_sessions_go_all_the_way_while_a_shipper_and_the_api_are_killed(lab_settings: Settings, disk: Path) -> None:
    size = int(os.environ.get("ASSAY_TEST_SESSION_MB", "600"))
    waited = take(lab_settings, disk, 10, size * MB, kills=3, restarts=2)
    assert statistics.median(waited) < 10  # of ten, with the machine alone; beside other tests two say nothing
