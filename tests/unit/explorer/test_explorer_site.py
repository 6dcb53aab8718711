"""The published tree over HTTP: exactly the files of the newest commit, with types that a browser accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.publish.local import LocalRepository
from assay.publish.target import Change
from assay.serve.site import create_site, media_type
from starlette.testclient import TestClient

FILES = {
    "index.html": b"<!doctype html>",
    "explorer/app.js": b"// " + b"x" * 5000,
    "data/processed/latest/metadata.json": b"{}",
    "README.md": b"# Dataset",
}


@pytest.fixture
def target(tmp_path: Path) -> LocalRepository:
    return LocalRepository(tmp_path / "dataset.git")


@pytest.fixture
def client(target: LocalRepository) -> TestClient:
    return TestClient(create_site(lambda: target))


def test_before_anything_is_published_it_says_so(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 404
    assert "nothing is published yet" in answer.text


def test_files_come_as_they_are_with_their_type_and_are_not_sent_twice(target: LocalRepository, client: TestClient) -> None:
    target.commit(Change(FILES), "made", expected=None)
    assert client.get("/").content == FILES["index.html"]
    script = client.get("/explorer/app.js")
    assert (script.content, script.headers["content-type"]) == (FILES["explorer/app.js"], "text/javascript; charset=utf-8")
    assert script.headers["content-encoding"] == "gzip"
    assert client.get("/data/processed/latest/metadata.json").headers["content-type"] == "application/json"
    assert client.get("/explorer/app.js", headers={"If-None-Match": script.headers["etag"]}).status_code == 304
    assert client.head("/README.md").status_code == 200
    assert client.post("/README.md").status_code == 405


def test_a_new_commit_is_seen_at_the_next_request(target: LocalRepository, client: TestClient) -> None:
    first = target.commit(Change(FILES), "made", expected=None)
    old = client.get("/README.md").headers["etag"]
    target.commit(Change({"README.md": b"newer"}), "newer", expected=first)
    assert client.get("/README.md", headers={"If-None-Match": old}).content == b"newer"


@pytest.mark.parametrize(
    "path", ["../dataset.git/HEAD", "%2e%2e/HEAD", "explorer", "explorer/", "/etc/passwd", "HEAD", "main:README.md"]
)
def test_nothing_but_files_of_the_commit_can_be_had(target: LocalRepository, client: TestClient, path: str) -> None:
    target.commit(Change(FILES), "made", expected=None)
    assert client.get(f"/{path}").status_code == 404


def test_media_types() -> None:
    assert media_type("a/b.css") == "text/css; charset=utf-8"
    assert media_type("explorer/icon.svg") == "image/svg+xml; charset=utf-8"
    assert media_type("LICENSE").startswith("text/plain")
    assert media_type("x.parquet") == "application/vnd.apache.parquet"
