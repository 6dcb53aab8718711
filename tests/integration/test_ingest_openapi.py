"""Requests made from the ingestion API's own OpenAPI document: whatever is sent, no answer is a 5xx or contradicts it."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter

import pytest
import schemathesis
from assay.serve.ingest.app import ingest_app
from assay.workspace import Workspace
from hypothesis import HealthCheck, given, settings
from made_recordings import Client, make_key, manifest_of
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def ask(workspace: Workspace, examples: int) -> Counter[int]:
    """Ask every operation, rightly and wrongly, that many times each, with a token or none; the statuses that came back."""
    app = ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace))
    key = make_key(workspace.engine, requests_per_minute=1_000_000)
    with TestClient(app) as http:
        client = Client(http, key).login()
        known = manifest_of({"a": b"a", "b": b"b"})
        client.announce(known)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    statuses: Counter[int] = Counter()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for found in schema.get_all_operations():
            operation = found.ok()
            if mode == GenerationMode.NEGATIVE and not [*operation.body, *operation.path_parameters]:
                continue

            @settings(
                max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: schemathesis.Case) -> None:
                # Half of the requests are about a session that is there.
                if "session" in case.path_parameters and hash(str(case.body)) % 2:
                    case.path_parameters["session"] = known.session
                token = key if case.path == "/v1/token" else client.token
                response = case.call(headers={"Authorization": f"Bearer {token}"})
                statuses[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                one()
    return statuses


def test_no_request_gets_a_fault_or_an_answer_that_is_not_described(workspace: Workspace) -> None:
    statuses = ask(workspace, 5)
    print("schemathesis:", dict(statuses))
    assert {200, 422} <= set(statuses)
    assert max(statuses) < 500


@pytest.mark.full
def test_no_request_of_thousands_gets_a_fault(workspace: Workspace) -> None:
    statuses = ask(workspace, 300)
    print("schemathesis:", dict(statuses))
    assert max(statuses) < 500
