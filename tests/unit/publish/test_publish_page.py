"""README and explorer travel with a snapshot and are no part of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.dataset.build import build_documents, digest_of
from assay.publish import page as page_module
from assay.publish.current import CurrentSnapshot, current_snapshot
from assay.publish.local import LocalRepository
from assay.publish.message import commit_message
from assay.publish.page import refresh_page
from assay.publish.plan import Plan, plan
from assay.publish.target import Change
from dataset_content import make_content


@pytest.fixture
def target(tmp_path: Path) -> LocalRepository:
    return LocalRepository(tmp_path / "dataset.git")


def publish(target: LocalRepository) -> dict[str, bytes]:
    documents = build_documents(make_content())
    planned = plan(target, documents)
    assert isinstance(planned, Plan)
    target.commit(planned.change, commit_message(planned.name, planned.documents, ""), expected=planned.head, tag=planned.name)
    return documents


def test_the_page_is_in_the_same_commit_as_the_data(target: LocalRepository) -> None:
    publish(target)
    head = target.head() or ""
    tree = target.tree(head)
    assert {"index.html", ".nojekyll", "explorer/app.js", "explorer/vendor/vega.js", "explorer/vendor/NOTICE.txt"} <= tree.keys()
    assert "data/processed/latest/manifest.json" in tree
    assert set(target.tags().values()) == {head}


def test_a_newer_page_is_no_newer_snapshot(target: LocalRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = publish(target)
    before = target.head() or ""
    newer = {"index.html": b"<!doctype html>newer", "explorer/app.js": b"// newer"}
    monkeypatch.setattr(page_module, "explorer_files", lambda: newer)
    assert isinstance(plan(target, documents), CurrentSnapshot)

    after = refresh_page(target, documents, before)

    assert after == target.head() != before
    there = target.tree(after or "")
    assert {path for path in there if path.startswith("explorer/")} == {"explorer/app.js"}
    assert target.read(after or "", "index.html") == newer["index.html"]
    current = current_snapshot(target, after)
    assert current is not None
    assert current.digest == digest_of(documents)
    assert {path: blob for path, blob in there.items() if path.startswith("data/")} == {
        path: blob for path, blob in target.tree(before).items() if path.startswith("data/")
    }
    assert target.tags() == {current.name: before}
    assert refresh_page(target, documents, after or "") is None


def test_a_page_that_lost_the_race_waits_for_the_next_publication(
    target: LocalRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = publish(target)
    before = target.head() or ""
    theirs = target.commit(Change({"theirs.txt": b"theirs"}), "theirs", expected=before)
    monkeypatch.setattr(page_module, "explorer_files", lambda: {"index.html": b"newer"})
    assert refresh_page(target, documents, before) is None
    assert target.head() == theirs
