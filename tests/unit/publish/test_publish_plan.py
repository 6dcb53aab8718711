"""Plan, layout, README and message of a snapshot, over a real repository and without a database."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from assay.dataset.build import build_documents, digest_of
from assay.dataset.encode import sha256
from assay.dataset.manifest import MANIFEST
from assay.errors import PublicationError
from assay.publish.current import CurrentSnapshot, current_snapshot
from assay.publish.layout import snapshot_name, snapshot_order
from assay.publish.listing import listing_of
from assay.publish.local import LocalRepository
from assay.publish.message import commit_message
from assay.publish.plan import Plan, plan
from assay.publish.readback import read_back
from assay.publish.spool import Spool
from assay.publish.target import Change
from dataset_content import Series, make_content, simple, stream
from hypothesis import given
from hypothesis import strategies as st

LATEST = "data/processed/latest"


@pytest.fixture
def target(tmp_path: Path) -> LocalRepository:
    return LocalRepository(tmp_path / "dataset.git")


def documents(series: list[Series] | None = None, **options: Any) -> dict[str, bytes]:
    return build_documents(make_content(series, **options))


def publish(target: LocalRepository, built: Mapping[str, bytes]) -> Plan:
    planned = plan(target, built)
    assert isinstance(planned, Plan)
    target.commit(planned.change, commit_message(planned.name, planned.documents, ""), expected=planned.head, tag=planned.name)
    return planned


def tree(target: LocalRepository) -> dict[str, str]:
    head = target.head()
    assert head is not None
    return target.tree(head)


def louder(factor: float = 1.0) -> list[Series]:
    return [*stream("m7i.large", 47.9 * factor), simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0 * factor)]


def test_the_layout_is_that_of_the_design(target: LocalRepository) -> None:
    built = documents()
    publish(target, built)
    paths = tree(target)
    for name in built:
        assert paths[f"{LATEST}/{name}"] == paths[f"data/processed/v1.0/2024-11-20/{name}"]
    assert "README.md" in paths
    assert {"data/api/endpoints.json", "data/api/filters.json"} <= paths.keys()
    for document in orjson.loads(built["metadata.json"])["documents"]:
        if document["path"].endswith(".parquet"):
            continue
        resolved = Path(f"{LATEST}/{document['schema']}").as_posix().replace("data/processed/latest/../../", "data/")
        assert resolved in paths


def test_the_same_content_again_is_recognized(target: LocalRepository) -> None:
    built = documents()
    publish(target, built)
    again = plan(target, documents(previous=current_snapshot(target, target.head()).as_previous()))  # type: ignore[union-attr]
    assert isinstance(again, CurrentSnapshot)
    assert again.name == "2024-11-20"
    assert again.digest == digest_of(built)


def test_a_second_snapshot_of_a_day_has_a_name_of_its_own_and_the_first_never_changes(target: LocalRepository) -> None:
    names, folders = [], []
    for factor in (1.0, 1.1, 1.2):
        names.append(publish(target, documents(louder(factor))).name)
        folders.append({path: blob for path, blob in tree(target).items() if "v1.0/" in path})
    assert names == ["2024-11-20", "2024-11-20.2", "2024-11-20.3"]
    for before, after in pairwise(folders):
        assert before.items() < after.items()
    changes = orjson.loads(target.read(target.head() or "", f"{LATEST}/changes.json"))
    assert changes["since"] == "2024-11-20.2"
    assert changes["moved"]


def test_content_that_was_published_before_is_a_new_snapshot_when_it_comes_back(target: LocalRepository) -> None:
    names = [publish(target, documents(louder(factor))).name for factor in (1.0, 1.1, 1.0)]
    assert names == ["2024-11-20", "2024-11-20.2", "2024-11-20.3"]


def test_names_that_the_ledger_used_are_not_used_again(target: LocalRepository) -> None:
    planned = plan(target, documents(), used={"2024-11-20", "2024-11-20.2"})
    assert planned.name == "2024-11-20.3"


def test_files_of_others_stay_and_what_left_latest_goes(target: LocalRepository) -> None:
    publish(target, documents(louder()))
    head = target.head()
    foreign = {"CONTRIBUTING.md": b"by hand", f"{LATEST}/old-document.json": b"{}", ".github/workflows/x.yml": b"on: push"}
    target.commit(Change(foreign), "by hand", expected=head)
    planned = publish(target, documents(louder(1.1)))
    paths = tree(target)
    assert {"CONTRIBUTING.md", ".github/workflows/x.yml"} <= paths.keys()
    assert f"{LATEST}/old-document.json" not in paths
    assert f"{LATEST}/old-document.json" in planned.files


@pytest.mark.parametrize("damage", [b"not json", b'{"benchmarks": {}}'])
def test_a_latest_that_somebody_changed_is_replaced(target: LocalRepository, damage: bytes) -> None:
    built = documents(louder())
    publish(target, built)
    target.commit(Change({f"{LATEST}/memory-benchmarks.json": damage}), "by hand", expected=target.head())
    planned = publish(target, built)
    assert planned.name == "2024-11-20.2"
    assert target.read(target.head() or "", f"{LATEST}/memory-benchmarks.json") == built["memory-benchmarks.json"]


def test_read_back_accepts_what_was_sent_and_nothing_else(target: LocalRepository) -> None:
    planned = publish(target, documents(louder()))
    head = target.head() or ""
    manifest = sha256(planned.documents[MANIFEST])
    read_back(target, planned.name, head, manifest)
    with pytest.raises(PublicationError, match="sent was"):
        read_back(target, planned.name, head, "0" * 64)
    with pytest.raises(PublicationError, match="the tag is on"):
        read_back(target, "2024-11-19", head, manifest)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [(b"", "is no JSON"), (b'{"files": [', "is no JSON"), (b"[]", "is no manifest"), (b"{}", "is no manifest")],
)
def test_what_is_no_manifest_is_said_so_though_it_is_what_was_sent(target: LocalRepository, manifest: bytes, said: str) -> None:
    folders = (LATEST, "data/processed/v1.0/2024-11-20")
    head = target.commit(Change({f"{folder}/{MANIFEST}": manifest for folder in folders}), "x", expected=None, tag="2024-11-20")
    with pytest.raises(PublicationError, match=said):
        read_back(target, "2024-11-20", head, sha256(manifest))


@given(
    st.permutations(["content_digest", "files", "history", "sessions", "schema_version"]), st.integers(0, 3), st.integers(1, 300)
)
def test_a_listing_is_the_same_whatever_the_order_and_wherever_the_pieces_end(order: list[str], files: int, size: int) -> None:
    listed = [{"path": f"f{n}", "bytes": n, "sha256": "0" * 64} for n in range(files)]
    sessions = [{"session": "s", "files": listed, "history": []}] * 3
    values = {"content_digest": "d", "files": listed, "history": listed[:1], "sessions": sessions, "schema_version": "1.1.0"}
    raw = orjson.dumps({name: values[name] for name in order})
    listing, manifest = listing_of((raw[n : n + size] for n in range(0, len(raw), size)), "here", sha256(raw))
    assert [file.path for file in listing.files] == [one["path"] for one in listed]
    assert (listing.content_digest, len(listing.history)) == ("d", min(files, 1))
    assert (manifest.bytes, manifest.sha256) == (len(raw), sha256(raw))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path, data: Change({path: data.replace(b"5", b"6")}), "the manifest says"),
        (lambda path, data: Change({}, frozenset({path})), "disagree on memory-benchmarks.json"),
        (lambda path, data: Change({path.replace("memory", "stray"): data}), "disagree on stray-benchmarks.json"),
    ],
)
def test_a_file_that_differs_is_missing_or_too_many_is_found(target: LocalRepository, change: Any, said: str) -> None:
    planned = publish(target, documents(louder()))
    head = target.head()
    for folder in (LATEST, "data/processed/v1.0/2024-11-20"):
        path = f"{folder}/memory-benchmarks.json"
        head = target.commit(change(path, planned.documents["memory-benchmarks.json"]), "tampered", expected=head)
    tampered = LocalRepository(target.path)
    tampered._git.run("update-ref", "refs/tags/2024-11-20", head or "")
    with pytest.raises(PublicationError, match=said):
        read_back(target, "2024-11-20", head or "", sha256(planned.documents[MANIFEST]))


def test_latest_and_the_dated_folder_must_agree(target: LocalRepository) -> None:
    planned = publish(target, documents(louder()))
    head = target.commit(Change({f"{LATEST}/cpu-benchmarks.json": b"{}"}), "tampered", expected=target.head())
    target._git.run("update-ref", "refs/tags/2024-11-20", head)
    with pytest.raises(PublicationError, match=r"differ in cpu-benchmarks\.json"):
        read_back(target, planned.name, head, sha256(planned.documents[MANIFEST]))


def test_the_message_says_what_is_new_and_the_accounting(target: LocalRepository) -> None:
    first = publish(target, documents(louder()))
    message = commit_message(first.name, first.documents, "abc123")
    assert message.startswith("Snapshot 2024-11-20: 1 type, 3 sessions\n")
    assert "The first snapshot" in message
    assert "4 read = 3 accepted + 1 quarantined + 0 rejected" in message
    assert digest_of(first.documents) in message
    assert "(abc123), schema 1.1.0" in message
    second = publish(target, documents([*louder(1.5), *stream("c7g.large", 55)]))
    message = commit_message(second.name, second.documents, "")
    assert "Since 2024-11-20:" in message
    assert "- new: c7g.large" in message
    assert "m7i.large hpl.gflops: 40.0 -> 60.0 GFLOPS" in message


def test_the_readme_carries_licence_and_attribution(target: LocalRepository) -> None:
    publish(target, documents())
    text = target.read(target.head() or "", "README.md").decode()
    assert "Licence: CC BY 4.0" in text
    assert "measured with Assay (assay-agent), CC BY 4.0" in text
    assert "memory-benchmarks.json" in text


def test_snapshots_of_a_day_are_numbered_from_two_on() -> None:
    assert snapshot_name("2024-11-20", set()) == "2024-11-20"
    assert snapshot_name("2024-11-20", {"2024-11-20", "2024-11-20.2", "2024-11-19.3"}) == "2024-11-20.3"
    names = ["2024-11-20.10", "2024-11-21", "2024-11-20", "2024-11-20.9"]
    assert sorted(names, key=snapshot_order) == ["2024-11-20", "2024-11-20.9", "2024-11-20.10", "2024-11-21"]


def test_a_document_over_time_that_differs_or_is_too_many_is_found(target: LocalRepository, tmp_path: Path) -> None:
    history = Spool(tmp_path)
    built = build_documents(make_content(louder()), lambda path, data: history.write(f"data/processed/{path}", data))
    planned = plan(target, built, history=history)
    assert isinstance(planned, Plan)
    head = target.commit(planned.change, "snapshot", expected=None, tag=planned.name)
    sent = sha256(planned.documents[MANIFEST])
    read_back(target, planned.name, head, sent)
    assert isinstance(plan(target, built, history=history), CurrentSnapshot)
    weekly = "data/processed/v1.0/weekly-aggregates/2024-W47.json"
    for change, said in (
        (Change({weekly: b"{}"}), "the manifest says"),
        (Change({weekly.replace("47", "48"): b"{}"}), "disagree on"),
        (Change({}, frozenset({weekly})), "disagree on"),
    ):
        tampered = target.commit(change, "tampered", expected=head)
        target._git.run("update-ref", f"refs/tags/{planned.name}", tampered)
        with pytest.raises(PublicationError, match=said):
            read_back(target, planned.name, tampered, sent)
        assert isinstance(plan(target, built, history=history), Plan) == (
            said == "the manifest says" or change.remove != frozenset()
        )
        target._git.run("update-ref", "refs/heads/main", head)
