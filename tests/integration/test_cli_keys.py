"""`assay keys`: what an administrator does with keys is what the ingestion API then holds to."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from assay.errors import AssayError
from assay.serve.ingest.app import ingest_app
from assay.workspace import Workspace
from commands_run import done, run, settle_in
from made_recordings import Client, manifest_of
from starlette.testclient import TestClient


@pytest.fixture(autouse=True)
def environment(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    settle_in(workspace.settings, monkeypatch)


@pytest.fixture
def http(workspace: Workspace) -> Iterator[TestClient]:
    with TestClient(ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace))) as client:
        yield client


def listed() -> dict[str, dict[str, Any]]:
    return {row["lab"]: row for row in json.loads(done("keys", "list", "--json"))}


def status(http: TestClient, key: str) -> int:
    return int(http.post("/v1/token", headers={"Authorization": f"Bearer {key}"}).status_code)


def test_a_key_is_printed_once_and_opens_the_api_until_it_is_revoked(http: TestClient) -> None:
    key = done(
        "keys", "create", "--lab", "sleep-lab", "--right", "upload", "--right", "read", "--note", "recorder in room 3"
    ).strip()
    other = done("keys", "create", "--lab", "other-lab", "--days", "30", "--network", "192.0.2.0/24").strip()
    client = Client(http, key).login()
    assert client.ask("GET", "/v1/sessions?q=").status_code == 200
    shown = done("keys", "list")
    assert "recorder in room 3" in shown
    assert "192.0.2.0/24" in shown
    secrets = [each.rpartition("_")[2] for each in (key, other)]
    assert not any(secret in shown + json.dumps(listed()) for secret in secrets)

    name = listed()["sleep-lab"]["key"]
    assert f"assay_{name}_" in key
    for _ in range(2):
        assert done("keys", "revoke", name).strip() == f"key {name} is revoked"
    assert {lab: row["state"] for lab, row in listed().items()} == {"sleep-lab": "revoked", "other-lab": "valid"}
    assert status(http, key) == 401
    assert client.ask("GET", "/v1/sessions?q=").status_code == 401, "its token is refused too"


def test_a_key_that_expires_and_one_that_never_does_are_both_valid() -> None:
    done("keys", "create", "--lab", "never")
    done("keys", "create", "--lab", "later", "--days", "1")
    assert {lab: row["state"] for lab, row in listed().items()} == {"never": "valid", "later": "valid"}


def test_what_is_no_key_is_refused_with_what_was_expected() -> None:
    for arguments, message in (
        (("revoke", "nosuchkey"), "expected the name of a key"),
        (("create", "--lab", "../etc"), r"lab: found .* expected letters"),
        (("create", "--lab", "a", "--right", "delete"), r"rights: found \['delete'\]; expected one or more of upload, read"),
        (("create", "--lab", "a", "--network", "everywhere"), "expected CIDR"),
        (("create", "--lab", "a", "--dataset", "A B"), "dataset: found"),
    ):
        with pytest.raises(AssayError, match=message):
            raise run("keys", *arguments).exception or AssertionError(f"{arguments} was taken")
    assert "no key yet" in done("keys", "list")


def test_the_audit_names_who_asked_for_what_and_what_was_refused(http: TestClient) -> None:
    assert "nothing was asked" in done("keys", "audit")
    key = done("keys", "create", "--lab", "sleep-lab").strip()
    client = Client(http, key).login()
    contents = {"eeg.bin": b"x"}
    assert client.announce(manifest_of(contents, dataset="recordings")).status_code == 201
    assert client.announce(manifest_of(contents, lab="other-lab", dataset="recordings")).status_code == 403
    rows = json.loads(done("keys", "audit", "--json"))
    assert [(row["action"], row["outcome"]) for row in reversed(rows)] == [
        ("token", "done"),
        ("announce", "done"),
        ("announce", "other-lab"),
    ]
    assert {row["lab"] for row in rows} == {"sleep-lab"}
    assert json.loads(done("keys", "audit", "--lab", "other-lab", "--json")) == []
    shown = done("keys", "audit")
    assert "other-lab" in shown
    assert key.rpartition("_")[2] not in shown
