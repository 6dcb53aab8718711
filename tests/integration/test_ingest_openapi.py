"""Requests made from the ingestion API's own OpenAPI document: whatever is sent, no answer is a 5xx or contradicts it."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import pytest
import schemathesis
from asked_by_schema import ask
from assay.serve.ingest.app import ingest_app
from assay.workspace import Workspace
from made_recordings import Client, make_key, manifest_of
from starlette.testclient import TestClient


def ask_as_a_lab(workspace: Workspace, examples: int) -> Counter[int]:
    """Ask with a token, half of the time about a session that is there."""
    app = ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace))
    key = make_key(workspace.engine, requests_per_minute=1_000_000)
    with TestClient(app) as http:
        client = Client(http, key).login()
        known = manifest_of({"a": b"a", "b": b"b"})
        client.announce(known)

    def call(case: schemathesis.Case) -> Any:
        if "session" in case.path_parameters and len(str(case.body)) % 2:
            case.path_parameters["session"] = known.session
        token = key if case.path == "/v1/token" else client.token
        return case.call(headers={"Authorization": f"Bearer {token}"})

    return ask(app, examples, call)


def test_no_request_gets_a_fault_or_an_answer_that_is_not_described(workspace: Workspace) -> None:
    statuses = ask_as_a_lab(workspace, 5)
    print("schemathesis:", dict(statuses))
    assert {200, 422} <= set(statuses)
    assert max(statuses) < 500


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_no_request_of_thousands_gets_a_fault(workspace: Workspace) -> None:
    statuses = ask_as_a_lab(workspace, 300)
    print("schemathesis:", dict(statuses))
    assert max(statuses) < 500
