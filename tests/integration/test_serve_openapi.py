"""Requests made from the API's own OpenAPI document: whatever is asked, no answer is a 5xx or contradicts the document."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter

import pytest
import schemathesis
from assay.publish.snapshot import publish_snapshot
from assay.serve.app import create_app
from assay.serve.view import LiveView
from assay.workspace import Workspace
from dataset_content import fleet
from dataset_ledger import fill
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def ask(workspace: Workspace, examples: int) -> Counter[int]:
    """Ask every operation, rightly and wrongly, that many times each; the statuses that came back."""
    fill(workspace, fleet(), quarantined=["c7a.large"])
    publish_snapshot(workspace)
    app = create_app(LiveView(lambda: contextlib.nullcontext(workspace), "default", look_again=60.0))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    statuses: Counter[int] = Counter()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for found in schema.get_all_operations():
            operation = found.ok()
            if mode == GenerationMode.NEGATIVE and not [*operation.query, *operation.path_parameters]:
                continue

            @settings(
                max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: schemathesis.Case) -> None:
                response = case.call()
                statuses[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                one()
    return statuses


def test_no_request_gets_a_fault_or_an_answer_that_is_not_described(workspace: Workspace) -> None:
    statuses = ask(workspace, 15)
    print("schemathesis:", dict(statuses))
    assert {200, 422} <= set(statuses)
    assert max(statuses) < 500


@pytest.mark.full
def test_no_request_of_thousands_gets_a_fault(workspace: Workspace) -> None:
    statuses = ask(workspace, 400)
    print("schemathesis:", dict(statuses))
    assert max(statuses) < 500
    assert statuses[200] > 500
