"""Archive and clean: what goes into an archive, what is proven of it, and what may be deleted because of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import orjson
import pytest
from archive_contents import files_in_archives
from assay.archive.clean import clean
from assay.archive.index import Line
from assay.archive.make import Archived, archive_published
from assay.archive.place import StoragePlace
from assay.archive.verify import index_lines, read_index
from assay.cli import app
from assay.database.archives import TO_CLEAN
from assay.database.ledger import Ledger
from assay.errors import ArchiveError, PublicationError
from assay.publish.rollback import rollback
from assay.publish.snapshot import build_snapshot, commit_snapshot, open_target, publish_snapshot
from assay.publish.target import Change
from assay.publish.trace import trace_published
from assay.session import MANIFEST_NAME, Manifest
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import Workspace
from dataset_content import Series, simple, stream
from dataset_ledger import fill, judge
from sqlalchemy import Engine, text
from typer.testing import CliRunner

OLD = 0
"""A retention of no day: everything is old enough."""


def series(sessions: int = 2) -> list[Series]:
    return [simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, sessions), *stream("t3.large", 20.0, 1)[:1]]


def published(workspace: Workspace, sessions: int = 2) -> str:
    """A snapshot of so many accepted sessions, and one in quarantine."""
    fill(workspace, series(sessions), quarantined=["t3.large"])
    return publish_snapshot(workspace).name


def archived(workspace: Workspace, sessions: int = 2) -> Archived:
    published(workspace, sessions)
    return archive_published(workspace)[-1]


def raw(workspace: Workspace) -> dict[str, str]:
    return {one.key: workspace.storage.sha256(one.key) for one in workspace.storage.list("raw")}


def prefixes(workspace: Workspace, verdict: str) -> tuple[str, ...]:
    return tuple(workspace.ledger.sessions(verdicts=[verdict])["prefix"])


def lines(workspace: Workspace, snapshot: str) -> list[Line]:
    place = StoragePlace(workspace.storage, workspace.dataset)
    return list(index_lines(place, read_index(place, workspace.dataset, snapshot)[0]))


def kept(workspace: Workspace, days: int = OLD) -> dict[str, int]:
    return {why: counted.sessions for why, counted in clean(workspace, dry_run=True, days=days).kept.items()}


def test_every_raw_object_of_a_snapshot_is_in_its_archive_those_in_quarantine_too(workspace: Workspace) -> None:
    made = archived(workspace)
    assert (made.sessions, made.packed, made.volumes) == (3, 3, 1)
    assert files_in_archives(workspace.storage) == raw(workspace)
    assert [line.verdict for line in lines(workspace, made.snapshot)].count("kept out") == 1
    assert archive_published(workspace) == []


def test_the_next_archive_holds_only_what_is_new_and_its_index_all(workspace: Workspace) -> None:
    first, second = archived(workspace), archived(workspace, 4)
    assert (second.sessions, second.packed) == (5, 2)
    assert {line.archive for line in lines(workspace, second.snapshot)} == {first.snapshot, second.snapshot}
    index, _ = read_index(StoragePlace(workspace.storage, "default"), "default", second.snapshot)
    assert index.previous is not None
    assert index.previous.snapshot == first.snapshot
    assert files_in_archives(workspace.storage) == raw(workspace)


def test_the_same_snapshot_gives_the_same_bytes(workspace: Workspace, engine: Engine) -> None:
    made = archived(workspace)
    before = {one.key: workspace.storage.sha256(one.key) for one in workspace.storage.list("archive")}
    workspace.storage.delete(before)
    with engine.begin() as connection:
        connection.execute(
            text("DELETE FROM assay.archived_sessions; DELETE FROM assay.archive_volumes; DELETE FROM assay.archives")
        )
    assert archive_published(workspace) == [made]
    assert {one.key: workspace.storage.sha256(one.key) for one in workspace.storage.list("archive")} == before


def test_what_a_killed_run_left_is_replaced_and_a_whole_archive_taken_as_it_is(workspace: Workspace, engine: Engine) -> None:
    snapshot = published(workspace)
    workspace.storage.write(f"archive/default/{snapshot}/raw-001.tar.zst", b"written by another version")
    made = archive_published(workspace)
    with engine.begin() as connection:
        connection.execute(
            text("DELETE FROM assay.archived_sessions; DELETE FROM assay.archive_volumes; DELETE FROM assay.archives")
        )
    assert archive_published(workspace) == made, "found whole in its place, proven, and entered"


def test_many_volumes_hold_what_one_would(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.archive.pack.OBJECTS_AT_ONCE", 1)
    published(workspace)
    (made,) = archive_published(workspace, volume_bytes=0)
    assert made.volumes == 3
    assert files_in_archives(workspace.storage) == raw(workspace)
    assert clean(workspace, days=OLD).cleaned.sessions == 2


def test_an_index_tells_no_address_account_or_person(workspace: Workspace) -> None:
    sessions = fill(workspace, series(3), quarantined=["t3.large"])
    why = "looked at it on ip-10-1-2-3.ec2.internal, account 123456789012"
    workspace.ledger.decide(sessions[0], "rejected", who="someone@example.org", why=why)
    workspace.ledger.reject("/home/someone/results/10.1.2.3.json", "no JSON on 10.1.2.3", "0" * 64)
    workspace.ledger.reject("/home/other/results/10.1.2.4.json", "no JSON on 10.1.2.3", "0" * 64)
    judge(workspace, sessions[1:], [])
    from assay.summarize.step import refresh_statistics

    refresh_statistics(workspace)
    snapshot = publish_snapshot(workspace).name
    archive_published(workspace)
    said = workspace.storage.read(f"archive/default/{snapshot}/index.json").decode()
    said += "".join(msgspec.json.encode(line).decode() for line in lines(workspace, snapshot))
    assert not re.search(r"10\.1\.2|123456789012|someone|/home|internal", said)
    index = orjson.loads(workspace.storage.read(f"archive/default/{snapshot}/index.json"))
    assert [decision["decision"] for decision in index["decisions"]] == ["rejected"]
    assert (index["rejected"], len({row["source_file"] for row in index["rejections"]})) == (3, 2)
    assert index["kept_out"] == 1


def test_only_what_is_published_archived_and_old_is_cleaned(workspace: Workspace) -> None:
    archived(workspace)
    fill(workspace, series(4), quarantined=["t3.large"])  # two more, not published
    before, accepted = raw(workspace), prefixes(workspace, "accepted")
    assert kept(workspace, days=30) == {
        "in no published snapshot": 2,
        "kept out by a rule or a person: what fails is kept": 1,
        "younger than the retention": 2,
    }
    assert clean(workspace).cleaned.sessions == 0, "the default retention is thirty days"
    assert raw(workspace) == before
    planned, done = clean(workspace, dry_run=True, days=OLD), clean(workspace, days=OLD)
    assert planned.cleaned == done.cleaned
    assert raw(workspace) == {key: sha256 for key, sha256 in before.items() if not key.startswith(accepted[:2])}
    assert done.cleaned.objects == len(before) - len(raw(workspace))
    assert kept(workspace)["cleaned before"] == 2
    assert clean(workspace, days=OLD).cleaned.sessions == 0


def test_a_session_that_another_dataset_still_needs_is_kept(workspace: Workspace, engine: Engine) -> None:
    archived(workspace)
    other = Ledger(engine, "other")
    other.open_dataset("CC BY 4.0")
    row = workspace.ledger.sessions(verdicts=["accepted"]).iloc[0]
    manifest = Manifest.parse(workspace.storage.read(f"{row['prefix']}{MANIFEST_NAME}"))
    other.register(replace(manifest, dataset="other"), row["manifest_sha256"], row["prefix"])
    assert kept(workspace)["needed by another dataset"] == 1
    assert clean(workspace, days=OLD).cleaned.sessions == 1
    assert any(key.startswith(row["prefix"]) for key in raw(workspace))


def test_a_session_put_in_quarantine_after_it_was_published_is_kept(workspace: Workspace) -> None:
    archived(workspace)
    sessions = list(workspace.ledger.sessions(verdicts=["accepted"])["session"])
    judge(workspace, sessions, sessions[:1])
    assert clean(workspace, days=OLD).cleaned.sessions == 1


def test_a_session_whose_bytes_are_not_its_manifests_is_archived_as_it_lies_and_kept(workspace: Workspace) -> None:
    fill(workspace, series(2), quarantined=["t3.large"])
    prefix = prefixes(workspace, "accepted")[0]
    files = sorted(key for key in raw(workspace) if key.startswith(prefix) and not key.endswith(MANIFEST_NAME))
    workspace.storage.write(files[0], b"changed afterwards")
    workspace.storage.write(f"{prefix}stray.txt", b"nobody listed this")
    workspace.storage.delete(files[1:2])
    snapshot = publish_snapshot(workspace).name
    archive_published(workspace)
    assert files_in_archives(workspace.storage) == raw(workspace)
    (broken,) = [line for line in lines(workspace, snapshot) if not line.whole]
    assert broken.prefix == prefix
    assert kept(workspace)["not what its manifest lists"] == 1
    assert clean(workspace, days=OLD).cleaned.sessions == 1


def damage(data: bytes) -> Iterable[bytes]:
    yield data[:-1]
    yield data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    yield b""


def test_a_damaged_or_missing_archive_blocks_cleaning_and_nothing_is_deleted(workspace: Workspace) -> None:
    made = archived(workspace)
    key, before = f"archive/default/{made.snapshot}/raw-001.tar.zst", raw(workspace)
    whole = workspace.storage.read(key)
    for wrong in damage(whole):
        workspace.storage.write(key, wrong)
        with pytest.raises(ArchiveError, match=r"raw-001\.tar\.zst: has .* proven were"):
            clean(workspace, days=OLD)
    workspace.storage.delete([key])
    with pytest.raises(ArchiveError, match="is not there"):
        clean(workspace, days=OLD)
    assert raw(workspace) == before
    workspace.storage.write(key, whole)
    assert clean(workspace, days=OLD).cleaned.sessions == 2


def test_what_is_not_read_back_as_it_was_put_is_not_noted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    published(workspace)
    original = StoragePlace.put

    def lying(self: StoragePlace, snapshot: str, name: str, path: Path, sha256: str) -> None:
        if name.startswith("raw-"):
            path.write_bytes(path.read_bytes()[:-4] + b"oops")
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        original(self, snapshot, name, path, sha256)

    monkeypatch.setattr(StoragePlace, "put", lying)
    with pytest.raises(ArchiveError, match="raw-001"):
        archive_published(workspace)
    assert workspace.ledger.archives().empty
    assert clean(workspace, days=OLD).cleaned.sessions == 0
    assert kept(workspace)["in no proven archive"] == 2


def test_nothing_is_cleaned_while_the_newest_snapshot_is_not_read_back(workspace: Workspace) -> None:
    archived(workspace)
    fill(workspace, series(3), quarantined=["t3.large"])
    commit_snapshot(workspace, build_snapshot(workspace))
    before = raw(workspace)
    assert "was committed and not read back" in clean(workspace, dry_run=True, days=OLD).blocked
    with pytest.raises(ArchiveError, match="was committed and not read back"):
        clean(workspace, days=OLD)
    assert raw(workspace) == before


def test_nothing_is_cleaned_if_the_newest_snapshot_does_not_read_back_now(workspace: Workspace) -> None:
    made = archived(workspace)
    target = open_target(workspace)
    before = raw(workspace)
    moved = target.commit(Change({"data/processed/latest/metadata.json": b"{}"}), "by hand", expected=target.head())
    from assay.publish.git import Git

    Git(workspace.settings.git_repository("default")).run("update-ref", f"refs/tags/{made.snapshot}", moved)
    with pytest.raises(PublicationError, match="the tag is on"):
        clean(workspace, days=OLD)
    assert raw(workspace) == before


def test_the_way_to_raw_bytes_leads_to_the_archive_once_they_are_cleaned(workspace: Workspace) -> None:
    made = archived(workspace, 3)
    clean(workspace, days=OLD)
    steps = trace_published(workspace, "cpu-benchmarks.json", "benchmarks.hpl.m7i.large.gflops")
    sessions = [step for step in steps if step["step"] == "session"]
    assert {step["archive"] for step in sessions} == {f"{made.snapshot}/raw-001.tar.zst"}
    assert all("cleaned from raw/" in step["text"] and "assay restore" in step["text"] for step in sessions)


def test_a_dataset_whose_raw_is_cleaned_goes_on(workspace: Workspace) -> None:
    from assay.check.arrivals import register_unknown
    from assay.check.verify import verify_arrived
    from assay.read.sessions import read_verified

    archived(workspace)
    clean(workspace, days=OLD)
    assert (register_unknown(workspace), verify_arrived(workspace), read_verified(workspace)) == ([], [], [])
    assert publish_snapshot(workspace).changed is False
    assert len(workspace.ledger.sessions(verdicts=["accepted"])) == 2
    assert archived(workspace, 3).packed == 1


def test_a_rollback_is_archived_with_what_held_when_it_was_first_published(workspace: Workspace) -> None:
    first, second = archived(workspace), archived(workspace, 3)
    sessions = list(workspace.ledger.sessions(verdicts=["accepted"])["session"])
    workspace.ledger.decide(sessions[0], "rejected", who="an operator", why="the machine was shared")
    again = rollback(workspace, first.snapshot, reason="the second was wrong", account="an operator")
    (made,) = archive_published(workspace)
    assert (made.snapshot, made.sessions, made.packed) == (again.name, 3, 0)
    index, _ = read_index(StoragePlace(workspace.storage, "default"), "default", again.name)
    assert (index.decisions, index.accepted) == ([], 2)
    assert index.previous is not None
    assert index.previous.snapshot == second.snapshot


def test_archives_may_lie_in_a_store_of_their_own_or_in_releases(workspace: Workspace, tmp_path: Path) -> None:
    elsewhere = (tmp_path / "elsewhere").as_uri()
    settings = workspace.settings.model_copy(update={"archive_url": elsewhere})
    apart = replace(workspace, settings=settings)
    archived(apart)
    assert list(workspace.storage.list("archive")) == []
    assert files_in_archives(Storage.open(elsewhere)) == raw(workspace)
    settings = workspace.settings.model_copy(update={"archive_url": "release"})
    in_releases = replace(workspace, settings=settings)
    made = archived(in_releases, 3)
    attached = open_target(workspace).attached(made.snapshot)
    assert {"index.json", "sessions.jsonl.zst", "previous.tar.zst", "raw-001.tar.zst"} <= attached.keys()


def test_the_commands_say_what_they_do(settings: Settings, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    assert settings.database_url is not None
    monkeypatch.setenv("ASSAY_DATABASE_URL", settings.database_url.get_secret_value())
    name = published(workspace)

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    assert f"archived snapshot {name}: 3 of its 3 sessions in 1 volumes" in said("archive")
    assert said("archive").strip() == "nothing to archive: every published snapshot has its archive"
    planned = orjson.loads(said("clean", "--dry-run", "--days", "0", "--json"))
    assert (planned["dry_run"], planned["cleaned"]["sessions"], planned["by_archive"]) == (True, 2, {name: 2})
    assert TO_CLEAN not in planned["kept"]
    text_ = said("clean", "--days", "0")
    assert "deleted the raw objects of 2 sessions" in text_
    assert "what fails is kept" in text_
    listed = orjson.loads(said("sessions", "list", "--json"))
    assert sorted(row["raw"] for row in listed) == ["archived", "cleaned", "cleaned"]


def test_a_session_larger_than_what_is_held_is_packed_piece_by_piece(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.archive.pack.BYTES_AT_ONCE", 20)
    published(workspace)
    many = []
    monkeypatch.setattr(
        type(workspace.storage), "read_many", lambda self, keys, limit=None: iter([(key, many.append(key)) for key in keys])
    )
    archive_published(workspace)
    assert many == []
    assert files_in_archives(workspace.storage) == raw(workspace)
