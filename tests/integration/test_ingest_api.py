"""The ingestion API over a local folder and a real PostgreSQL: what it takes, and everything that it refuses."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from assay.database.keys import revoke_key
from assay.database.uploads import Upload, read_audit
from assay.serve.ingest import tokens as ingest_tokens
from assay.serve.ingest.app import ingest_app
from assay.session import MANIFEST_NAME, Manifest
from assay.settings import Settings
from assay.storage import find_manifest
from assay.storage.uploads import PART_BYTES
from assay.workspace import Workspace
from made_recordings import LAB, Client, make_key, manifest_of, sha256
from starlette.testclient import TestClient

SMALL = {"metadata.txt": b"fatigue: 3\n", "signals/eeg.bin": b"\x00\x01" * 500}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def http(workspace: Workspace, told: list[str]) -> Iterator[TestClient]:
    def arrived(upload: Upload) -> None:
        told.append(upload.session)

    app = ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace), arrived=arrived)
    with TestClient(app, client=("192.0.2.7", 40000)) as client:
        yield client


@pytest.fixture
def client(http: TestClient, workspace: Workspace) -> Client:
    return Client(http, make_key(workspace.engine)).login()


def put(http: TestClient, request: dict[str, Any], content: bytes) -> Any:
    return http.request(request["method"], "/" + request["url"], content=content)


def send(client: Client, manifest: Manifest, contents: dict[str, bytes]) -> None:
    assert client.announce(manifest).status_code in (200, 201)
    for path, content in contents.items():
        assert put(client.http, client.request_for(manifest, path), content).status_code == 200


def kind(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


def test_a_session_arrives_whole_with_its_manifest_last(client: Client, workspace: Workspace, told: list[str]) -> None:
    manifest = manifest_of(SMALL)
    announced = client.announce(manifest)
    assert (announced.status_code, announced.json()["missing"]) == (201, 2)
    prefix = announced.json()["prefix"]
    assert prefix == f"raw/recording/{datetime.now(UTC):%Y/%m/%d}/{manifest.session}/"
    assert kind(client.complete(manifest)) == "files-missing"
    for path, content in SMALL.items():
        assert put(client.http, client.request_for(manifest, path), content).status_code == 200
    assert find_manifest(workspace.storage, prefix) is None
    assert client.complete(manifest).json()["state"] == "complete"
    assert find_manifest(workspace.storage, prefix) == manifest
    assert {path: workspace.storage.read(prefix + path) for path in SMALL} == SMALL
    assert told == [manifest.session]
    assert (client.complete(manifest).status_code, client.announce(manifest).json()["state"]) == (200, "complete")
    assert told == [manifest.session]


def test_announcing_again_tells_what_is_there(client: Client) -> None:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    put(client.http, client.request_for(manifest, "metadata.txt"), SMALL["metadata.txt"])
    again = client.announce(manifest)
    assert (again.status_code, again.json()["stored"], again.json()["missing"]) == (200, ["metadata.txt"], 1)
    answer = client.ask("POST", f"/v1/sessions/{manifest.session}/uploads", {"paths": ["metadata.txt"]}).json()
    assert answer["files"][0]["how"] == "stored"


def test_a_large_file_goes_up_in_parts_and_resumes(client: Client, workspace: Workspace) -> None:
    content = bytes(range(256)) * (2 * PART_BYTES // 256) + b"the end"
    manifest = manifest_of({"eeg.bin": content})
    pieces = [content[start : start + PART_BYTES] for start in range(0, len(content), PART_BYTES)]
    hashes = [sha256(piece) for piece in pieces]
    prefix = client.announce(manifest).json()["prefix"]
    base = f"/v1/sessions/{manifest.session}"

    def ask_parts(numbers: list[int]) -> list[dict[str, Any]]:
        body = {"path": "eeg.bin", "parts": [{"number": n, "sha256": hashes[n - 1]} for n in numbers]}
        found: list[dict[str, Any]] = client.ask("POST", f"{base}/parts", body).json()["parts"]
        return found

    def assemble() -> Any:
        return client.ask("POST", f"{base}/assemble", {"path": "eeg.bin", "parts": hashes})

    for part in ask_parts([1, 3]):
        assert put(client.http, part["request"], pieces[part["number"] - 1]).status_code == 200
    file = client.ask("POST", f"{base}/uploads", {"paths": ["eeg.bin"]}).json()["files"][0]
    assert (file["how"], file["part_bytes"], [part["number"] for part in file["arrived"]]) == ("parts", PART_BYTES, [1, 3])
    assert kind(assemble()) == "parts-missing"
    second = ask_parts([2])[0]["request"]
    assert kind(put(client.http, second, b"x" * PART_BYTES)) == "wrong-content"
    put(client.http, second, pieces[1])
    assert [assemble().status_code, assemble().status_code] == [200, 200]
    assert client.complete(manifest).status_code == 200
    assert workspace.storage.read(prefix + "eeg.bin") == content
    assert not list((workspace.storage.root / ".uploads").iterdir())  # type: ignore[attr-defined]


def test_nothing_is_overwritten_or_replayed(client: Client, workspace: Workspace) -> None:
    manifest = manifest_of(SMALL)
    prefix = client.announce(manifest).json()["prefix"]
    request = client.request_for(manifest, "metadata.txt")
    assert put(client.http, request, SMALL["metadata.txt"]).status_code == 200
    replayed = put(client.http, request, SMALL["metadata.txt"])
    assert (replayed.status_code, kind(replayed)) == (412, "already-there")
    assert workspace.storage.read(prefix + "metadata.txt") == SMALL["metadata.txt"]


def test_an_old_request_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    monkeypatch.setattr(ingest_tokens, "SIGNED_FOR_S", -1)
    request = client.request_for(manifest, "metadata.txt")
    assert kind(put(client.http, request, SMALL["metadata.txt"])) == "no-ticket"


def test_a_changed_ticket_or_one_signed_by_others_is_refused(client: Client) -> None:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    good = client.request_for(manifest, "metadata.txt")["url"].rpartition("/")[2]
    claims = jwt.decode(good, options={"verify_signature": False})
    claims["allowed"]["key"] = "raw/recording/2024/02/29/other/manifest.json"
    for ticket in (jwt.encode(claims, "x" * 64, "HS256"), jwt.encode(claims, None, "none"), good[:-3] + "AAA", "x", client.token):
        answer = put(client.http, {"method": "PUT", "url": f"v1/objects/{ticket}"}, SMALL["metadata.txt"])
        assert answer.status_code == 403
    assert client.http.get(f"/v1/objects/{good}").status_code == 403


def test_another_content_than_announced_is_refused(client: Client, workspace: Workspace) -> None:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    request, content = client.request_for(manifest, "metadata.txt"), SMALL["metadata.txt"]
    assert kind(put(client.http, request, content[::-1])) == "wrong-content"
    assert kind(put(client.http, request, content[:-1])) == "wrong-content"
    assert kind(put(client.http, request, content + b"!")) == "too-large"
    assert put(client.http, request, iter([content, b"!"])).status_code == 413  # type: ignore[arg-type]
    assert not [item for item in workspace.storage.list() if "recording" in item.key]


def test_nothing_can_be_deleted(client: Client) -> None:
    manifest = manifest_of(SMALL)
    send(client, manifest, SMALL)
    request = client.ask("POST", f"/v1/sessions/{manifest.session}/uploads", {"paths": ["metadata.txt"]})
    assert request.json()["files"][0]["how"] == "stored"
    for path in (f"/v1/sessions/{manifest.session}", "/v1/objects/x", "/v1/sessions"):
        answer = client.ask("DELETE", path)
        assert (answer.status_code, "deleted" in answer.json()["detail"]) == (405, True)


def test_too_large_a_file_session_or_body_is_refused(workspace: Workspace, database_url: str) -> None:
    small = Settings(
        home=workspace.settings.home,
        database_url=database_url,  # type: ignore[arg-type]
        ingest_max_file_bytes=900,
        ingest_max_session_bytes=1_500,
    )
    with TestClient(ingest_app(small, lambda: contextlib.nullcontext(workspace))) as http:
        client = Client(http, make_key(workspace.engine)).login()
        assert client.announce(manifest_of({"a": b"x" * 900})).status_code == 201
        assert client.announce(manifest_of({"a": b"x" * 901})).status_code == 413
        assert client.announce(manifest_of({"a": b"x" * 800, "b": b"y" * 800})).status_code == 413
        headers = {"Authorization": f"Bearer {client.token}"}
        assert http.post("/v1/sessions", content=b"[" * 5_000_000, headers=headers).status_code == 413
        pieces = (b" " * 1_000_000 for _ in range(6))
        assert http.post("/v1/sessions", content=pieces, headers=headers).status_code == 400


def test_another_labs_session_is_not_there_and_its_name_cannot_be_used(client: Client, workspace: Workspace) -> None:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    other = Client(client.http, make_key(workspace.engine, lab="other-lab")).login()
    assert kind(other.announce(manifest)) == "other-lab"
    for path in ("complete", "uploads", "parts", "assemble"):
        body = {"uploads": {"paths": ["metadata.txt"]}, "parts": {"path": "a", "parts": [{"number": 1, "sha256": "0" * 64}]}}
        answer = other.ask("POST", f"/v1/sessions/{manifest.session}/{path}", body.get(path, {"path": "a", "parts": ["0" * 64]}))
        assert kind(answer) == "unknown-session"
    assert other.ask("GET", f"/v1/sessions/{manifest.session}").status_code == 404
    # The same files under its own name are the same session id: taken, and nothing is told of it.
    assert kind(other.announce(manifest_of(SMALL, lab="other-lab"))) == "session-taken"
    assert kind(client.announce(manifest_of(SMALL, dataset="other"))) == "other-lab"


def test_an_expired_revoked_or_made_up_key_is_refused(http: TestClient, workspace: Workspace) -> None:
    def login(key: str) -> str:
        answer = http.post("/v1/token", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 401
        return kind(answer)

    good = make_key(workspace.engine)
    name, secret = good.split("_", 2)[1:]
    assert login(make_key(workspace.engine, expires_at=datetime.now(UTC) - timedelta(seconds=1))) == "expired-key"
    assert login(f"assay_{name}_{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}") == "unknown-key"
    assert login(f"assay_{'a' * 12}_{secret}") == "unknown-key"
    assert login("x") == login("' OR 1=1 --") == "no-key"
    client = Client(http, good).login()
    with workspace.engine.begin() as connection:
        revoke_key(connection, name)
    assert login(good) == "revoked-key"
    refused = client.announce(manifest_of(SMALL))  # its token is still young
    assert (refused.status_code, kind(refused)) == (401, "revoked-key")


def test_a_token_that_is_old_made_up_or_for_another_use_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.announce(manifest_of(SMALL)).status_code == 201
    name = client.key.split("_", 2)[1]
    forged = {"sub": name, "aud": "assay-token", "exp": int(time.time()) + 900}
    client_tokens = [jwt.encode(forged, "x" * 64, "HS256"), jwt.encode(forged, None, "none"), "", client.key]
    monkeypatch.setattr(ingest_tokens, "TOKEN_FOR_S", -1)
    client_tokens.append(Client(client.http, client.key).login().token)
    for token in client_tokens:
        client.token = token
        assert client.announce(manifest_of(SMALL)).status_code == 401


def test_a_key_may_only_do_what_it_is_for(http: TestClient, workspace: Workspace) -> None:
    reader = Client(http, make_key(workspace.engine, rights=["read"])).login()
    assert kind(reader.announce(manifest_of(SMALL))) == "no-right"


def test_a_key_is_used_from_its_networks_only(http: TestClient, workspace: Workspace) -> None:
    Client(http, make_key(workspace.engine, networks=["192.0.2.0/29"])).login()
    elsewhere = make_key(workspace.engine, networks=["198.51.100.0/24"])
    answer = http.post("/v1/token", headers={"Authorization": f"Bearer {elsewhere}"})
    assert (answer.status_code, kind(answer)) == (403, "other-network")
    settings = workspace.settings.model_copy(update={"ingest_networks": "198.51.100.0/24 2001:db8::/32"})
    with TestClient(ingest_app(settings, lambda: contextlib.nullcontext(workspace)), client=("192.0.2.7", 1)) as closed:
        assert closed.post("/v1/token").status_code == 403


def test_more_requests_than_allowed_are_told_to_wait(http: TestClient, workspace: Workspace) -> None:
    client = Client(http, make_key(workspace.engine, requests_per_minute=6)).login()
    answers = [client.ask("GET", f"/v1/sessions/{manifest_of(SMALL).session}") for _ in range(6)]
    assert [answer.status_code for answer in answers[:3]] == [404] * 3
    assert (answers[-1].status_code, kind(answers[-1])) == (429, "too-many-requests")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10


def test_paths_that_no_store_can_hold_are_refused(client: Client) -> None:
    for path in (f"{MANIFEST_NAME}/x", "é" * 200, "/".join(["\N{CJK UNIFIED IDEOGRAPH-4E00}" * 80] * 6)):
        assert client.announce(manifest_of({path: b"x"})).status_code == 422


def test_the_audit_log_says_who_did_what(client: Client, workspace: Workspace) -> None:
    manifest = manifest_of(SMALL)
    client.announce(manifest)
    client.complete(manifest)
    client.ask("POST", "/v1/failures", {"folder": "20240229_161221", "message": "eeg.bin: changed while it was sent"})
    with workspace.engine.connect() as connection:
        audit = read_audit(connection, lab=LAB).iloc[::-1]
    assert list(audit["action"]) == ["token", "announce", "complete", "failure"]
    assert list(audit["outcome"]) == ["done", "done", "files-missing", "done"]
    assert set(audit["address"]) == {"192.0.2.7"}
    assert list(audit["session"]) == ["", manifest.session, manifest.session, ""]
    assert set(audit["key"]) == {client.key.split("_")[1]}


def test_a_listener_that_fails_does_not_undo_the_session(workspace: Workspace) -> None:
    def arrived(upload: Upload) -> None:
        raise RuntimeError("no scheduler")

    app = ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace), arrived=arrived)
    with TestClient(app) as http:
        client = Client(http, make_key(workspace.engine)).login()
        manifest = manifest_of({"a": b""})
        send(client, manifest, {"a": b""})
        assert client.complete(manifest).json()["state"] == "complete"
