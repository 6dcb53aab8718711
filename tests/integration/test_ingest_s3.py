"""The ingestion API with S3 behind it, in a bucket under Object Lock: what signed requests allow, and what they do not."""

from __future__ import annotations

import contextlib
import http.client
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from assay.serve.ingest.app import ingest_app
from assay.session import MANIFEST_NAME, Manifest
from assay.storage import Storage, find_manifest, uploads_s3
from assay.storage.uploads import PART_BYTES
from assay.workspace import Workspace
from made_recordings import Client, make_key, manifest_of, sha256
from sqlalchemy import text
from starlette.testclient import TestClient

pytestmark = pytest.mark.enable_socket

SMALL = {"metadata.txt": b"fatigue: 3\n", "signals/eeg #1.bin": b"\x00\x01" * 500}


@pytest.fixture
def locked(s3: Any) -> str:
    name = f"assay-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket=name,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )
    return name


@pytest.fixture
def client(workspace: Workspace, aws: str, locked: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    prefix = request.node.name
    settings = workspace.settings.model_copy(update={"recordings_url": f"s3://{locked}/{prefix}"})
    with TestClient(ingest_app(settings, lambda: contextlib.nullcontext(workspace))) as http_client:
        yield Client(http_client, make_key(workspace.engine)).login()


def send(request: dict[str, Any], content: bytes, *, url: str = "", drop: str = "", **changed: str) -> tuple[int, str]:
    """Make a signed request over real HTTP, as given or with a header dropped or changed; status and S3's code."""
    parts = urlsplit(url or request["url"])
    headers = {name: value for name, value in request["headers"].items() if name.lower() != drop}
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(request["method"], f"{parts.path}?{parts.query}", content, headers)
        answer = connection.getresponse()
        said = answer.read().decode()
    finally:
        connection.close()
    return answer.status, said.partition("<Code>")[2].partition("</Code>")[0]


def test_a_session_arrives_byte_for_byte_under_object_lock(
    client: Client, workspace: Workspace, locked: str, s3: Any, request: Any
) -> None:
    content = bytes(range(256)) * (PART_BYTES // 256) + b"more than one part"
    contents = {**SMALL, "eeg.bin": content}
    manifest = manifest_of(contents)
    prefix = client.announce(manifest).json()["prefix"]
    for path in SMALL:
        assert send(client.request_for(manifest, path), SMALL[path]) == (200, "")
    pieces = [content[:PART_BYTES], content[PART_BYTES:]]
    base, hashes = f"/v1/sessions/{manifest.session}", [sha256(piece) for piece in pieces]
    body = {"path": "eeg.bin", "parts": [{"number": n, "sha256": sha} for n, sha in enumerate(hashes, 1)]}
    signed = client.ask("POST", f"{base}/parts", body).json()["parts"]
    assert send(signed[0]["request"], pieces[1], Content_Length=str(len(pieces[1])))[0] == 403
    assert send(signed[0]["request"], bytes(PART_BYTES)) == (400, "BadDigest")
    assert [send(part["request"], piece)[0] for part, piece in zip(signed, pieces, strict=True)] == [200, 200]
    file = client.ask("POST", f"{base}/uploads", {"paths": ["eeg.bin"]}).json()["files"][0]
    assert [part["sha256"] for part in file["arrived"]] == hashes
    for _ in range(2):
        answer = client.ask("POST", f"{base}/assemble", {"path": "eeg.bin", "parts": hashes})
        assert answer.status_code == 200, answer.text
        # As if the API were killed between S3 and the database: it is there, and only who sent it knows the parts' hashes.
        with workspace.engine.begin() as connection:
            connection.execute(text("UPDATE assay.upload_files SET checksum = NULL"))
        assert client.announce(manifest).json()["stored"] == sorted(SMALL)
        answer = client.ask("POST", f"{base}/uploads", {"paths": ["eeg.bin"]})
        assert answer.json()["files"][0]["how"] == "assemble"
    client.ask("POST", f"{base}/assemble", {"path": "eeg.bin", "parts": hashes})
    for _ in range(2):
        answer = client.complete(manifest)
        assert answer.status_code == 200, answer.text
    storage = Storage.open(f"s3://{locked}/{request.node.name}")
    assert find_manifest(storage, prefix) == manifest
    assert {path: storage.read(prefix + path) for path in contents} == contents
    # The emulator does not lock what came in parts; S3 does.
    for path in (*SMALL, MANIFEST_NAME):
        _cannot_be_removed(s3, locked, f"{request.node.name}/{prefix}{path}")


def _cannot_be_removed(s3: Any, bucket: str, key: str) -> None:
    version = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"][0]["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)


@pytest.fixture
def announced(client: Client) -> tuple[Manifest, dict[str, Any]]:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    return manifest, client.request_for(manifest, "metadata.txt")


def test_a_replayed_request_replaces_nothing(announced: tuple[Manifest, dict[str, Any]]) -> None:
    _, request = announced
    assert send(request, SMALL["metadata.txt"]) == (200, "")
    assert send(request, SMALL["metadata.txt"]) == (412, "PreconditionFailed")


def test_the_condition_size_and_checksum_cannot_be_dropped(announced: tuple[Manifest, dict[str, Any]]) -> None:
    _, request = announced
    content = SMALL["metadata.txt"]
    for name in ("if-none-match", "x-amz-checksum-sha256", "x-amz-sdk-checksum-algorithm"):
        assert send(request, content, drop=name) == (403, "SignatureDoesNotMatch")
    assert send(request, content + b"!", Content_Length=str(len(content) + 1)) == (403, "SignatureDoesNotMatch")
    assert send(request, content[::-1]) == (400, "BadDigest")
    assert send(request, content) == (200, "")


def test_another_key_or_another_method_cannot_be_asked_with_it(announced: tuple[Manifest, dict[str, Any]]) -> None:
    manifest, request = announced
    for other in (manifest.session.replace("2024", "2023"), f"{manifest.session}/x"):
        moved = request["url"].replace(manifest.session, other)
        assert send(request, SMALL["metadata.txt"], url=moved) == (403, "SignatureDoesNotMatch")
    moved = request["url"].replace("metadata.txt", MANIFEST_NAME)
    assert send(request, SMALL["metadata.txt"], url=moved) == (403, "SignatureDoesNotMatch")
    assert send({**request, "method": "DELETE"}, SMALL["metadata.txt"]) == (403, "SignatureDoesNotMatch")


def test_an_old_request_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    monkeypatch.setattr(uploads_s3, "SIGNED_FOR_S", 0)
    request = client.request_for(manifest, "metadata.txt")
    time.sleep(1.1)
    assert send(request, SMALL["metadata.txt"]) == (403, "AccessDenied")


def test_an_upload_that_was_taken_back_begins_anew(client: Client, locked: str, s3: Any) -> None:
    content = bytes(PART_BYTES + 1)
    manifest = manifest_of({"eeg.bin": content})
    client.announce(manifest)
    base = f"/v1/sessions/{manifest.session}"
    client.ask("POST", f"{base}/uploads", {"paths": ["eeg.bin"]})
    for upload in s3.list_multipart_uploads(Bucket=locked)["Uploads"]:
        s3.abort_multipart_upload(Bucket=locked, Key=upload["Key"], UploadId=upload["UploadId"])
    hashes = [sha256(content[:PART_BYTES]), sha256(content[PART_BYTES:])]
    gone = client.ask("POST", f"{base}/assemble", {"path": "eeg.bin", "parts": hashes})
    assert (gone.status_code, gone.json()["type"].rpartition(":")[2]) == (409, "upload-gone")
    assert client.ask("POST", f"{base}/uploads", {"paths": ["eeg.bin"]}).json()["files"][0]["arrived"] == []


def test_what_lies_there_already_and_is_other_content_is_told(client: Client, locked: str, s3: Any, request: Any) -> None:
    manifest = manifest_of(SMALL)
    prefix = client.announce(manifest).json()["prefix"]
    for path, content in SMALL.items():
        send(client.request_for(manifest, path), content)
    other = SMALL["metadata.txt"][::-1]  # somebody with credentials of the bucket
    s3.put_object(Bucket=locked, Key=f"{request.node.name}/{prefix}metadata.txt", Body=other, ChecksumAlgorithm="SHA256")
    answer = client.complete(manifest)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "metadata.txt")
