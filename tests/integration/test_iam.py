"""The policies in docs/iam beside the calls that are made: none outside its policy, nothing in a policy that is never used."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from asked_of_aws import Asked, NotingServer, Policy
from assay.archive.clean import clean
from assay.archive.make import archive_published
from assay.archive.place import StoragePlace
from assay.check.verify import verify_arrived
from assay.collect.ec2.client import ec2_client
from assay.collect.ec2.inventory import Leftover, remove
from assay.collect.fleet.arrive import take_over
from assay.collect.fleet.launch import launch, prepare
from assay.collect.fleet.planning import fleet_request, plan_fleet
from assay.collect.fleet.reap import end_slot, reap
from assay.collect.fleet.watch import look, read_progress
from assay.emulator.aws import Fault
from assay.errors import StorageError
from assay.ingest.arrive import sweep
from assay.notify.deliver import notify_downstream
from assay.preprocess import step as preprocess
from assay.publish.snapshot import publish_snapshot
from assay.read.recordings import read_recordings
from assay.serve.ingest.app import ingest_app, open_uploads
from assay.settings import project_root
from assay.storage import Storage
from assay.storage.recording_bucket import role_policies
from assay.storage.uploads import PART_BYTES
from assay.workspace import Workspace
from dataset_content import simple
from dataset_ledger import fill
from made_labs import LAB, ship, write_folder
from made_recordings import Client, make_key, manifest_of, sha256
from real_servers import serving_aws
from scripted_machine import ScriptedFleet
from starlette.testclient import TestClient

pytestmark = [pytest.mark.enable_socket, pytest.mark.full]

BUCKET, RECORDINGS, TOPIC, QUEUE = "assay-iam", "assay-iam-recordings", "published", "manifests"

NOT_CALLED = {
    "operator": {
        "TagWhatIsStarted: ec2:CreateTags": "asked of whoever starts a machine with tags, without a call of its own",
        "Look: pricing:GetProducts": "`assay reference prices refresh`, which tests/integration/test_prices_refresh.py runs",
    },
    "recordings": {
        "HearOfNewManifests: sqs:ReceiveMessage": "Airflow's own trigger, which tests/dags/test_recordings_dag.py shows",
        "HearOfNewManifests: sqs:DeleteMessage": "the same",
    },
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NotingServer]:
    with serving_aws(NotingServer, monkeypatch) as server:
        yield server


@pytest.fixture
def here(workspace: Workspace, server: NotingServer) -> Workspace:
    """A workspace on a bucket of S3, and recordings in another."""
    s3 = boto3.client("s3")
    for name in (BUCKET, RECORDINGS):
        s3.create_bucket(Bucket=name)
    urls = {"storage_url": f"s3://{BUCKET}/lab", "recordings_url": f"s3://{RECORDINGS}/lab"}
    settings = workspace.settings.model_copy(update=urls)
    return replace(workspace, settings=settings, storage=Storage.open(urls["storage_url"]))


def holds(role: str, asked: set[Asked], **values: str) -> None:
    policy = Policy.read(role, **values)
    assert policy.refused(asked) == set(), "called and not allowed"
    unused = policy.unused(asked)
    assert unused == set(NOT_CALLED.get(role, {})), "allowed and never called, or the reverse of what is said of it"


def left_behind() -> tuple[str, str]:
    """A volume and a spot request, as a killed launch could leave them."""
    ec2 = boto3.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    asked = ec2.request_spot_instances(
        LaunchSpecification={"ImageId": "ami-0deb1a01000000000", "InstanceType": "m7i.large"}, SpotPrice="0.01"
    )
    request = asked["SpotInstanceRequests"][0]
    ec2.terminate_instances(InstanceIds=[request["InstanceId"]])  # the emulator grants it at once
    return volume, request["SpotInstanceRequestId"]


def test_the_operator_may_do_what_the_fleet_does_and_nothing_else(here: Workspace, server: NotingServer) -> None:
    volume, request = left_behind()
    server.asked.clear()
    plan = plan_fleet(here.engine, fleet_request(here.settings, ["m7i.large"]))
    (order,) = prepare(here.settings, here.storage, plan, "run-1")
    launched = launch(here.settings, here.storage, order, dataset="default")
    asked = set(server.asked)
    ScriptedFleet().boot()  # what a machine writes, whoever signed its permission must be allowed to write
    server.asked = asked | {each for each in server.asked if each[0].startswith("s3:")}
    look(here.storage, "run-1", launched.region)
    assert read_progress(here.storage, launched)["state"] == "uploaded"
    take_over(here, launched)
    again = launch(here.settings, here.storage, replace(order, run="run-2"), dataset="default")
    assert end_slot([again.region], "run-2", order.machine.slot) == [again.instance_id]
    reap([launched.region], dry_run=False)
    now = datetime.now(UTC)
    for what, found in (("volume", volume), ("spot request", request)):
        remove(ec2_client(launched.region), [Leftover(what, found, launched.region, now, {})])
    holds("operator", server.asked, BUCKET=BUCKET, PREFIX="lab")


def test_the_publisher_may_delete_raw_of_benchmarks_and_nothing_of_recordings(
    here: Workspace, server: NotingServer, tmp_path: Path
) -> None:
    s3, asked = boto3.client("s3"), set()
    topic = boto3.client("sns").create_topic(Name=TOPIC)["TopicArn"]
    told = replace(here, settings=here.settings.model_copy(update={"sns_topic": topic}))
    for metric in ("gflops", "cycles"):  # first without versions, then with them
        told = replace(told, storage=Storage.open(f"s3://{BUCKET}/lab"))  # asks the bucket once whether it has versions
        fill(told, [simple("m7i.large", "hpl", metric, "GFLOPS", 40.0, 1)])
        server.asked.clear()
        publish_snapshot(told)
        archive_published(told)
        assert len(notify_downstream(told).delivered) == 1
        assert clean(told, days=0)
        asked |= server.asked
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    server.asked.clear()
    large = tmp_path / "raw-001.tar.zst"
    large.write_bytes(bytes(33 * 2**20))
    server.faults = [Fault("PUT", "partNumber", "403 Forbidden", "AccessDenied", times=9)]
    with pytest.raises(StorageError):  # what was sent in parts is taken back
        StoragePlace(told.storage, "default").put("2026-01-01", large.name, large, sha256(large.read_bytes()))
    for content in (b"left by a run that was killed", b"another"):
        large.write_bytes(content)
        StoragePlace(told.storage, "default").put("2026-01-01", large.name, large, sha256(content))
    holds("publisher", asked | server.asked, BUCKET=BUCKET, PREFIX="lab", TOPIC=TOPIC)
    policy = Policy.read("publisher", BUCKET=BUCKET, PREFIX="lab", TOPIC=TOPIC)
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"):
        assert policy.refused({Asked(action, f"arn:aws:s3:::{BUCKET}/lab/raw/recording/2024/02/29/x/eeg.edf")})


def test_the_ingestion_api_may_write_what_is_new_and_delete_nothing(here: Workspace, server: NotingServer) -> None:
    import httpx

    content = {"metadata.txt": b"fatigue: 3\n", "eeg.bin": bytes(PART_BYTES + 1)}
    manifest = manifest_of(content)
    server.asked.clear()
    with TestClient(ingest_app(here.settings, lambda: contextlib.nullcontext(here))) as http_client:
        client = Client(http_client, make_key(here.engine)).login()
        client.announce(manifest)
        base, pieces = f"/v1/sessions/{manifest.session}", [content["eeg.bin"][:PART_BYTES], content["eeg.bin"][PART_BYTES:]]
        hashes = [sha256(piece) for piece in pieces]
        parts = {"path": "eeg.bin", "parts": [{"number": n, "sha256": each} for n, each in enumerate(hashes, 1)]}
        signed = [each["request"] for each in client.ask("POST", f"{base}/parts", parts).json()["parts"]]
        for request, body in zip(
            (client.request_for(manifest, "metadata.txt"), *signed), (content["metadata.txt"], *pieces), strict=True
        ):
            assert httpx.request(request["method"], request["url"], content=body, headers=request["headers"]).is_success
        assert client.ask("POST", f"{base}/assemble", {"path": "eeg.bin", "parts": hashes}).is_success
        assert client.complete(manifest).is_success
    tokens: Any = None  # S3 signs for itself
    store = open_uploads(here.settings, here.recordings, tokens)
    store.abort("raw/recording/x/eeg.bin", store.begin("raw/recording/x/eeg.bin"))  # as where two began the same file at once
    assert list(here.recordings.list("raw/recording"))
    here.storage.write("processed/recording/x", b"signal")
    server.asked.discard(Asked("s3:PutObject", f"arn:aws:s3:::{BUCKET}/lab/processed/recording/x"))
    shelf = open_uploads(here.settings, here.storage, tokens, "processed").get("processed/recording/x")
    assert httpx.get(shelf.url).content == b"signal"
    holds("ingestion-api", server.asked, RECORDINGS=RECORDINGS, BUCKET=BUCKET, PREFIX="lab")


def test_who_processes_recordings_reads_them_and_deletes_none(here: Workspace, server: NotingServer, tmp_path: Path) -> None:
    ship(here, write_folder(tmp_path))
    fill(here, [simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, 1)])  # of another dataset: found, and left to it
    server.asked.clear()
    assert len(sweep(here)) == 1
    labs = here.of_dataset(LAB.dataset)
    verify_arrived(labs)
    assert len(read_recordings(labs)) == 1
    for content in (b"made by a run that was killed", b"made again"):
        made = tmp_path / "signal.parquet"
        made.write_bytes(content)
        preprocess._store(labs.storage, "processed/recording/edf-1/x/signal.parquet", made, "application/vnd.apache.parquet")
    holds("recordings", server.asked, RECORDINGS=RECORDINGS, BUCKET=BUCKET, PREFIX="lab", QUEUE=QUEUE)


@pytest.mark.parametrize("role", ["operator", "publisher", "ingestion-api", "recordings"])
def test_no_role_can_delete_a_recording(role: str) -> None:
    policy = Policy.read(role)
    for key in ("RECORDINGS/lab/raw/recording/2024/02/29/x/eeg.edf", "BUCKET/PREFIX/raw/recording/2024/02/29/x/eeg.edf"):
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"):
            assert policy.refused({Asked(action, f"arn:aws:s3:::{key}")})


def test_the_command_that_makes_the_bucket_gives_its_roles_the_same() -> None:
    for role, known in (("ingestion-api", "ingestion-api"), ("recordings", "pipeline")):
        found = json.loads((project_root() / "docs" / "iam" / f"{role}.json").read_text())["Statement"]
        ours = [each for each in found if "RECORDINGS" in each["Resource"]]
        assert [{k: v for k, v in each.items() if k != "Sid"} for each in ours] == role_policies("RECORDINGS")[known]["Statement"]
