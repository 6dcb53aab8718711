"""Approval by a real scheduler: asked and answered over Airflow's REST API, and what comes of a yes, a no and of silence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from assay.orchestration.api import ApiUnavailable
from assay.orchestration.stack import LocalStack
from assay.publish.git import Git
from assay.publish.snapshot import publish_snapshot
from assay.settings import Settings
from assay.workspace import Workspace, open_workspace
from dataset_content import Series, simple
from dataset_ledger import fill

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.full, pytest.mark.timeout(1800)]

DAG = "publish_snapshot"
HOURS = 1 / 20
"""Three minutes: long enough to answer on a busy machine, short enough to wait for."""


def level(value: float, sessions: int) -> list[Series]:
    return [simple("m7i.large", "hpl", "gflops", "GFLOPS", value, sessions)]


class Asked:
    """One run of the DAG that waits for an answer, over Airflow's REST API."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.run = stack.api.trigger(DAG, {})
        token = httpx.get(f"{stack.url}/auth/token", timeout=120).json()["access_token"]
        self._client = httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, timeout=120)
        self._path = f"/api/v2/dags/{DAG}/dagRuns/{quote(self.run, safe='')}/taskInstances/approve"

    def until(self, done: Callable[[dict[str, str]], bool], seconds: float = 400) -> dict[str, str]:
        """The states of the tasks, once they are as wanted."""
        deadline = time.monotonic() + seconds
        states: dict[str, str] = {}
        while time.monotonic() < deadline:
            self.stack.check()
            try:
                states = {task.task: task.state for task in self.stack.api.tasks(DAG, self.run)}
                if done(states):
                    return states
            except ApiUnavailable:  # busy
                pass
            time.sleep(0.5)
        raise AssertionError(f"after {seconds} s: {states}")

    def question(self) -> dict[str, Any]:
        self.until(lambda states: states.get("approve") == "awaiting_input")
        found = self._client.get(f"{self._path}/-1/hitlDetails")
        assert found.status_code == 200, found.text
        return dict(found.json())

    def answer(self, option: str) -> None:
        done = self._client.patch(f"{self._path}/-1/hitlDetails", json={"chosen_options": [option], "params_input": {}})
        assert done.status_code == 200, done.text

    def ended(self) -> dict[str, str]:
        states = self.until(lambda states: self.stack.api.run_state(DAG, self.run) in ("success", "failed"))
        assert self.stack.api.run_state(DAG, self.run) == "success", states
        return states


@pytest.fixture(scope="module")
def stack(make_settings: Callable[[], Settings]) -> Iterator[tuple[LocalStack, Workspace]]:
    settings = make_settings().model_copy(update={"approval_hours": HOURS, "approver": "Ada Lovelace"})
    with open_workspace(settings=settings) as workspace:
        fill(workspace, level(40.0, 3))
        publish_snapshot(workspace)
        with LocalStack(settings) as running:
            yield running, workspace


def newest(workspace: Workspace) -> tuple[str, str, str]:
    row = workspace.ledger.approvals().iloc[-1]
    return row["answer"], row["who"], row["signed_as"]


def commits(workspace: Workspace) -> list[str]:
    return Git(workspace.settings.git_repository("default")).text("log", "--format=%B%x1e").split("\x1e")[:-1]


def test_a_snapshot_is_published_once_it_is_approved_and_says_by_whom(stack: tuple[LocalStack, Workspace]) -> None:
    running, workspace = stack
    fill(workspace, level(60.0, 12))
    asked = Asked(running)
    question = asked.question()
    assert question["subject"] == "May snapshot 2024-11-20.2 be published?"
    assert "m7i.large hpl.gflops: 40 -\\> 58." in question["body"]
    assert "beyond noise: intervals 39" in question["body"]
    assert question["defaults"] == ["Reject"]
    assert len(commits(workspace)) == 1, "nothing is published while it waits"
    asked.answer("Approve")
    states = asked.ended()
    assert states["commit"] == states["read_back"] == "success"
    assert newest(workspace) == ("approved", "Anonymous", "Ada Lovelace")
    assert "Approved-by: Ada Lovelace" in commits(workspace)[0]
    assert list(workspace.ledger.snapshots()["state"]) == ["published", "published"]


def test_what_is_rejected_is_not_published_and_that_is_no_failure(stack: tuple[LocalStack, Workspace]) -> None:
    running, workspace = stack
    before = commits(workspace)
    fill(workspace, level(90.0, 48))
    asked = Asked(running)
    asked.question()
    asked.answer("Reject")
    states = asked.ended()
    assert (states["approve"], states["commit"], states["read_back"]) == ("success", "skipped", "skipped")
    assert newest(workspace) == ("refused", "Anonymous", "Ada Lovelace")
    assert commits(workspace) == before
    assert list(workspace.storage.list("processed/snapshots")) == []


def test_silence_means_no_and_whoever_triggers_it_again_is_asked_again(stack: tuple[LocalStack, Workspace]) -> None:
    running, workspace = stack
    before = commits(workspace)
    asked = Asked(running)
    asked.question()
    states = asked.ended()
    assert (states["approve"], states["commit"]) == ("success", "skipped")
    assert newest(workspace) == ("expired", "", "")
    assert commits(workspace) == before
