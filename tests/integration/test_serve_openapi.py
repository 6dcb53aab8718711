"""Requests made from the API's own OpenAPI document: whatever is asked, no answer is a 5xx or contradicts the document."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest
from asked_by_schema import ask
from assay.publish.snapshot import publish_snapshot
from assay.serve.app import create_app
from assay.serve.view import LiveView
from assay.workspace import Workspace
from dataset_content import fleet
from dataset_ledger import fill


def ask_about_a_fleet(workspace: Workspace, examples: int) -> Counter[int]:
    """Ask of a ledger in which there is something of everything."""
    fill(workspace, fleet(), quarantined=["c7a.large"])
    publish_snapshot(workspace)
    return ask(create_app(LiveView(lambda: contextlib.nullcontext(workspace), "default", look_again=60.0)), examples)


def test_no_request_gets_a_fault_or_an_answer_that_is_not_described(workspace: Workspace) -> None:
    statuses = ask_about_a_fleet(workspace, 15)
    print("schemathesis:", dict(statuses))
    assert {200, 422} <= set(statuses)
    assert max(statuses) < 500


@pytest.mark.full
def test_no_request_of_thousands_gets_a_fault(workspace: Workspace) -> None:
    statuses = ask_about_a_fleet(workspace, 400)
    print("schemathesis:", dict(statuses))
    assert max(statuses) < 500
    assert statuses[200] > 500
