"""The task that asks an operator before a snapshot is published: whom it asks, what it shows, what it does with the answer."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from assay.orchestration.approval import ANONYMOUS, answered, ask
from assay.publish.approval import NotApproved
from assay.publish.snapshot import build_snapshot, commit_snapshot, publish_snapshot
from assay.workspace import Workspace
from dataset_content import Series, simple
from dataset_ledger import fill


def steady(level: float, sessions: int = 3) -> list[Series]:
    return [simple("m7i.large", "hpl", "gflops", "GFLOPS", level, sessions)]


@pytest.fixture
def moved(workspace: Workspace) -> str:
    """The digest of a snapshot whose only value moved far beyond noise since the one that is published."""
    fill(workspace, steady(40.0))
    publish_snapshot(workspace)
    fill(workspace, steady(90.0, sessions=12))
    return build_snapshot(workspace)


def asked(workspace: Workspace, digest: str, *, accept: bool = False, who: str = "ada", scheduled: bool = True) -> Any:
    return ask(workspace, digest, accept=accept, who=who, scheduled=scheduled)


def event(option: str, user: str | None = "ada") -> dict[str, Any]:
    return {"chosen_options": [option], "responded_by_user": None if user is None else {"id": user, "name": user}}


def answers(workspace: Workspace) -> list[tuple[str, str]]:
    found = workspace.ledger.approvals()
    return list(zip(found["answer"], found["who"], strict=True))


def test_the_first_snapshot_asks_nobody(workspace: Workspace) -> None:
    fill(workspace, steady(40.0))
    assert asked(workspace, build_snapshot(workspace)) is None
    assert answers(workspace) == []


def test_what_moved_is_shown_with_its_numbers_and_a_yes_publishes_it(workspace: Workspace, moved: str) -> None:
    headline, text = asked(workspace, moved)
    assert headline.startswith("May snapshot ")
    assert "m7i" in text
    assert "40" in text
    answered(workspace, moved, event("Approve"))
    assert answers(workspace) == [("approved", "ada")]
    assert asked(workspace, moved) is None, "the same is not asked twice"
    assert commit_snapshot(workspace, moved)


def test_a_no_holds_for_schedules_and_a_person_who_triggers_is_asked_again(workspace: Workspace, moved: str) -> None:
    asked(workspace, moved)
    answered(workspace, moved, event("Reject"))
    assert answers(workspace) == [("refused", "ada")]
    again = build_snapshot(workspace)
    assert again == moved
    with pytest.raises(AirflowSkipException, match=r"ada said no to the same content on .* trigger the DAG"):
        asked(workspace, again)
    again = build_snapshot(workspace)
    assert asked(workspace, again, scheduled=False) is not None
    with pytest.raises(NotApproved):
        commit_snapshot(workspace, again)


def test_no_answer_in_time_is_a_no_of_nobody(workspace: Workspace, moved: str) -> None:
    asked(workspace, moved)
    answered(workspace, moved, event("Reject", user=None))
    assert answers(workspace) == [("expired", "")]
    again = build_snapshot(workspace)
    assert asked(workspace, again) is not None, "a schedule asks again: nobody decided"


def test_whoever_starts_a_run_that_accepts_changes_answers_for_it(workspace: Workspace, moved: str) -> None:
    assert asked(workspace, moved, accept=True, who="", scheduled=False) is None
    assert answers(workspace) == [("approved", ANONYMOUS)]
    assert commit_snapshot(workspace, moved)


def test_an_answer_to_what_was_published_over_meanwhile_is_too_late(workspace: Workspace, moved: str) -> None:
    asked(workspace, moved)
    fill(workspace, [simple("c7g.large", "hpl", "gflops", "GFLOPS", 50.0, 3)])
    publish_snapshot(workspace)
    with pytest.raises(AirflowSkipException, match="the answer came too late"):
        answered(workspace, moved, event("Approve"))
    assert ("approved", "ada") not in answers(workspace)
