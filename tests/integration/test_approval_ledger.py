"""Approval over a real ledger and a real repository: what was approved is what is committed, and who said so is written down."""

from __future__ import annotations

import subprocess

import pytest
from assay.database.words import Answer
from assay.errors import NotWhole, PublicationError
from assay.publish.approval import NotApproved, Question, Reply, record
from assay.publish.git import Git
from assay.publish.local import LocalRepository
from assay.publish.snapshot import (
    ask_about_snapshot,
    build_snapshot,
    commit_snapshot,
    forget_snapshot,
    open_target,
    publish_snapshot,
    verify_snapshot,
)
from assay.workspace import Workspace
from dataset_content import Series, simple
from dataset_ledger import fill

YES = Reply(Answer.APPROVED, "ada-account", "Ada Lovelace")
NO = Reply(Answer.REFUSED, "ada-account", "Ada Lovelace")


def steady(level: float, sessions: int = 3) -> list[Series]:
    return [simple("m7i.large", "hpl", "gflops", "GFLOPS", level, sessions)]


def moved(workspace: Workspace, level: float = 90.0) -> None:
    """Later sessions that say something else."""
    fill(workspace, steady(level, sessions=12))


def message(workspace: Workspace) -> str:
    return Git(workspace.settings.git_repository("default")).text("log", "-1", "--format=%B")


def answers(workspace: Workspace) -> list[tuple[str, str, str]]:
    found = workspace.ledger.approvals()
    return list(zip(found["answer"], found["who"], found["signed_as"], strict=True))


@pytest.fixture
def published(workspace: Workspace) -> Workspace:
    fill(workspace, steady(40.0))
    publish_snapshot(workspace)
    moved(workspace)
    return workspace


def test_who_approved_is_in_the_ledger_by_account_and_in_the_commit_by_name(published: Workspace) -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Reply:
        asked.append(question)
        return YES

    snapshot = publish_snapshot(published, ask=ask)
    assert snapshot.approved_by == "Ada Lovelace"
    assert "Approved-by: Ada Lovelace" in message(published)
    assert "ada-account" not in message(published)
    assert answers(published) == [("approved", "ada-account", "Ada Lovelace")]
    row = published.ledger.snapshots().iloc[-1]
    assert (row["state"], row["approved_by"]) == ("published", "ada-account")
    assert published.ledger.approvals().iloc[0]["why"] == asked[0].why
    assert len(asked) == 1


def test_without_a_name_the_commit_gives_none(published: Workspace) -> None:
    publish_snapshot(published, ask=lambda question: Reply(Answer.APPROVED, "ada-account"))
    assert "Approved-by: the operator" in message(published)


def test_a_no_is_written_down_and_nothing_is_published(published: Workspace) -> None:
    with pytest.raises(NotApproved, match=r"not approved .*moved beyond noise"):
        publish_snapshot(published, ask=lambda question: NO)
    assert answers(published) == [("refused", "ada-account", "Ada Lovelace")]
    assert list(published.ledger.snapshots()["state"]) == ["published"]
    snapshot = publish_snapshot(published, ask=lambda question: YES)
    assert snapshot.changed, "who runs the command again is asked again"
    assert [answer for answer, *_ in answers(published)] == ["refused", "approved"]


def test_what_nobody_approved_is_not_committed(published: Workspace) -> None:
    digest = build_snapshot(published)
    question = ask_about_snapshot(published, digest)
    assert question is not None
    with pytest.raises(NotApproved, match="was not approved on top of 2024-11-20"):
        commit_snapshot(published, digest)
    record(published, question, NO)
    with pytest.raises(NotApproved, match="was not approved"):
        commit_snapshot(published, digest)
    record(published, question, YES)
    snapshot = verify_snapshot(published, commit_snapshot(published, digest))
    assert (snapshot.content_digest, snapshot.approved_by) == (digest, "Ada Lovelace")


def test_an_approval_is_for_what_was_shown_and_for_nothing_built_later(published: Workspace) -> None:
    question = ask_about_snapshot(published, build_snapshot(published))
    assert question is not None
    record(published, question, YES)
    moved(published, 200.0)
    later = build_snapshot(published)
    assert later != question.content_digest
    with pytest.raises(NotApproved, match="was not approved"):
        commit_snapshot(published, later)
    assert commit_snapshot(published, question.content_digest).content_digest == question.content_digest


def test_an_approval_does_not_outlive_the_snapshot_that_it_was_compared_with(published: Workspace) -> None:
    digest = build_snapshot(published)
    question = ask_about_snapshot(published, digest)
    assert question is not None
    record(published, question, YES)
    moved(published, 200.0)
    publish_snapshot(published, ask=lambda question: YES)
    with pytest.raises(PublicationError, match=r"2024-11-20\.2 is the last one there now.* built on 2024-11-20;"):
        commit_snapshot(published, digest)


def test_approved_once_and_killed_it_goes_on_without_asking_again(published: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    original = LocalRepository.commit

    def die(*arguments: object, **options: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalRepository, "commit", die)
    with pytest.raises(KeyboardInterrupt):
        publish_snapshot(published, ask=lambda question: YES)
    monkeypatch.setattr(LocalRepository, "commit", original)

    def nobody(question: Question) -> Reply:
        raise AssertionError("asked again")

    assert publish_snapshot(published, ask=nobody).approved_by == "Ada Lovelace"
    assert "Approved-by: Ada Lovelace" in message(published)


def test_killed_between_commit_and_ledger_the_ledger_still_learns_who_approved(
    published: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = LocalRepository.commit

    def die_after(*arguments: object, **options: object) -> str:
        target(*arguments, **options)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalRepository, "commit", die_after)
    with pytest.raises(KeyboardInterrupt):
        publish_snapshot(published, ask=lambda question: YES)
    monkeypatch.setattr(LocalRepository, "commit", target)
    publish_snapshot(published)
    assert published.ledger.snapshots().iloc[-1]["approved_by"] == "ada-account"


def test_what_was_refused_does_not_stay_in_storage(published: Workspace) -> None:
    digest = build_snapshot(published)
    forget_snapshot(published, digest)
    assert list(published.storage.list("processed/snapshots")) == []


def test_a_tampered_target_raises_an_alarm_and_the_snapshot_does_not_count_as_published(published: Workspace) -> None:
    snapshot = publish_snapshot(published)
    repository = published.settings.git_repository("default")
    git = Git(repository)
    tampered = git.text("commit-tree", "HEAD~1^{tree}", "-p", "HEAD", "-m", "somebody else")
    subprocess.run(["git", f"--git-dir={repository}", "tag", "-f", snapshot.name, tampered], check=True, capture_output=True)
    with pytest.raises(NotWhole, match="do not clean anything"):
        verify_snapshot(published, snapshot)
    row = published.ledger.snapshots().iloc[-1]
    assert row["state"] == "damaged"
    assert "the tag is on" in row["fault"]
    subprocess.run(["git", f"--git-dir={repository}", "tag", "-f", snapshot.name, str(snapshot.commit)], check=True)
    assert open_target(published).tags()[snapshot.name] == snapshot.commit
    verify_snapshot(published, snapshot)
    row = published.ledger.snapshots().iloc[-1]
    assert (row["state"], row["fault"]) == ("published", "")
