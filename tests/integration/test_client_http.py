"""The Python client over real HTTP: copies and ETags, offline, hosts that fail, snapshots that change under it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay.client import ClientError, Corrupt, Dataset, NotCached, NotPublished, Superseded, Unreachable, http
from assay.dataset.build import build_documents
from dataset_content import fleet, make_content, stream
from published_site import Site, serve, write_tree

pytestmark = pytest.mark.enable_socket

MEMORY = "memory-benchmarks.json"


@pytest.fixture(scope="module")
def first() -> dict[str, bytes]:
    return build_documents(make_content())


@pytest.fixture(scope="module")
def second() -> dict[str, bytes]:
    return build_documents(make_content([*fleet(), *stream("m7i.xlarge", 90.0)]))


@pytest.fixture
def site(tmp_path: Path, first: dict[str, bytes]) -> Iterator[Site]:
    root = write_tree(tmp_path / "site", first)
    write_tree(root, first, "2024-11-20")
    with serve(root) as site:
        yield site


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_PAUSE_S", 0.01)


def open_(site: Site, tmp_path: Path, **options: Any) -> Dataset:
    return Dataset(site.url, **({"cache": tmp_path / "cache", "timeout_s": 5} | options))


def test_what_is_fetched_is_what_lies_in_the_folder(site: Site, tmp_path: Path) -> None:
    over_http, from_folder = open_(site, tmp_path), Dataset(site.root)
    assert over_http.results().equals(from_folder.results())
    assert over_http.verify() == from_folder.verify()


def test_a_document_is_asked_for_once_and_then_only_whether_it_changed(site: Site, tmp_path: Path) -> None:
    dataset = open_(site, tmp_path)
    dataset.results()
    dataset.results(family="m7i")
    assert site.asked(MEMORY) == [200]
    again = open_(site, tmp_path)
    assert again.results().equals(dataset.results())
    assert site.asked(MEMORY) == [200, 304]
    assert site.asked("manifest.json") == [200, 304]


def test_without_a_cache_nothing_is_kept(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        open_(site, tmp_path, cache=None).results()
    assert site.asked(MEMORY) == [200, 200]
    assert not (tmp_path / "cache").exists()


def test_offline_the_copies_are_read_and_the_host_is_not_asked(site: Site, tmp_path: Path) -> None:
    online = open_(site, tmp_path).results()
    asked = len(site.requests)
    offline = open_(site, tmp_path, offline=True)
    assert offline.results().equals(online)
    with pytest.raises(NotCached, match=r"trends\.json: offline, and no copy"):
        offline.trends()
    assert len(site.requests) == asked


@pytest.mark.parametrize("damage", [b"", b"{}", b"x" * 100])
def test_a_damaged_copy_is_fetched_again(site: Site, tmp_path: Path, damage: bytes) -> None:
    open_(site, tmp_path).results()
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(damage)
    assert not open_(site, tmp_path).results().empty
    assert site.asked(MEMORY) == [200, 200]


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert not open_(site, tmp_path, cache=tmp_path / "file").results().empty


def test_a_host_without_etags_works_and_is_asked_every_time(site: Site, tmp_path: Path) -> None:
    site.etags = False
    for _ in range(2):
        open_(site, tmp_path).results()
    assert site.asked(MEMORY) == [200, 200]


def test_a_packed_answer_is_unpacked_within_the_limit(site: Site, tmp_path: Path) -> None:
    site.gzip = True
    assert open_(site, tmp_path).results().equals(Dataset(site.root).results())
    bomb = site.root / "data/processed/latest/manifest.json"
    bomb.write_bytes(b" " * 5_000_000)
    with pytest.raises(Corrupt, match="larger than 1000000 bytes"):
        open_(site, tmp_path, max_bytes=1_000_000).results()


@pytest.mark.parametrize("fault", ["503", "500", "429:0", "drop", "cut"])
def test_a_host_that_fails_for_a_moment_is_asked_again(site: Site, tmp_path: Path, fault: str) -> None:
    site.faults = [fault, fault, fault]
    assert not open_(site, tmp_path).results().empty
    assert site.faults == []


def test_a_busy_host_is_given_the_time_that_it_asks_for(site: Site, tmp_path: Path) -> None:
    site.faults = ["429:1"]
    began = time.monotonic()
    open_(site, tmp_path).metadata  # noqa: B018 - reading it is the point
    assert time.monotonic() - began >= 1


def test_a_host_that_keeps_failing_ends_in_one_message(site: Site, tmp_path: Path) -> None:
    site.faults = ["503"] * 8
    with pytest.raises(Unreachable, match=r"no answer in 4 attempts; the last: 503 .*offline=True"):
        open_(site, tmp_path).results()
    assert len(site.faults) == 4


def test_a_host_that_is_silent_is_not_waited_for_without_end(site: Site, tmp_path: Path) -> None:
    site.faults = ["slow"]
    with pytest.raises(Unreachable, match="timed out"):
        open_(site, tmp_path, timeout_s=0.3, attempts=1).results()


def test_nobody_at_the_address() -> None:
    with pytest.raises(Unreachable, match="Connection refused"):
        Dataset("http://127.0.0.1:9/", cache=None, attempts=2).results()


def test_what_is_not_published_is_said_at_once(site: Site, tmp_path: Path) -> None:
    with pytest.raises(NotPublished, match=r"v1\.0/2020-01-01/manifest\.json: 404"):
        open_(site, tmp_path, snapshot="2020-01-01").results()
    assert len(site.requests) == 1


def test_a_named_snapshot_stays_what_it_is(site: Site, tmp_path: Path, second: dict[str, bytes]) -> None:
    write_tree(site.root, second)
    assert "m7i.xlarge" in set(open_(site, tmp_path).results()["instance"])
    assert "m7i.xlarge" not in set(open_(site, tmp_path, snapshot="2024-11-20").results()["instance"])
    folder = Dataset(f"{site.url}data/processed/v1.0/2024-11-20/", cache=None)
    assert folder.snapshot == "2024-11-20"
    assert "m7i.xlarge" not in set(folder.results()["instance"])


def test_a_snapshot_published_before_the_first_number_is_read_is_taken_whole(
    site: Site, tmp_path: Path, second: dict[str, bytes]
) -> None:
    dataset = open_(site, tmp_path)
    assert "memory-benchmarks.json" in dataset.documents
    write_tree(site.root, second)
    assert "m7i.xlarge" in set(dataset.results()["instance"])


def test_two_snapshots_are_never_mixed(site: Site, tmp_path: Path, second: dict[str, bytes]) -> None:
    dataset = open_(site, tmp_path)
    before = dataset.results()
    write_tree(site.root, second)
    with pytest.raises(Superseded, match="open it again"):
        dataset.rankings()
    assert dataset.results().equals(before)
    assert not open_(site, tmp_path).rankings().empty


def test_changed_bytes_are_refused(site: Site, tmp_path: Path) -> None:
    file = site.root / "data/processed/latest" / MEMORY
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(Corrupt, match="the manifest says"):
        open_(site, tmp_path).results()


def test_a_page_that_is_no_manifest_is_not_taken_for_one(site: Site, tmp_path: Path) -> None:
    (site.root / "data/processed/latest/manifest.json").write_text("<html>")
    with pytest.raises(Corrupt, match="no manifest of a snapshot"):
        open_(site, tmp_path).results()


def test_headers_go_to_the_host_and_not_where_it_redirects(site: Site, tmp_path: Path) -> None:
    with serve(site.root) as other:
        site.faults = [f"redirect:{other.url}data/processed/latest/manifest.json"]
        open_(site, tmp_path, headers={"Authorization": "Bearer secret"}).documents  # noqa: B018
        assert site.headers[0]["Authorization"] == "Bearer secret"
        assert all("Authorization" not in headers for headers in other.headers)
        assert len(other.requests) == 1


def test_a_redirect_to_a_file_is_not_followed(site: Site, tmp_path: Path) -> None:
    site.faults = ["redirect:file:///etc/passwd"]
    with pytest.raises(ClientError):
        open_(site, tmp_path).documents  # noqa: B018


def test_the_hash_of_every_file_is_that_of_the_host(site: Site, tmp_path: Path) -> None:
    dataset = open_(site, tmp_path)
    for entry in json.loads(dataset.read("manifest.json"))["files"]:
        assert hashlib.sha256(dataset.read(entry["path"])).hexdigest() == entry["sha256"]
