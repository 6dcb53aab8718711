"""Restore: from archives alone, with empty database and bucket, to the same documents; and what is refused on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from assay.archive.clean import clean
from assay.archive.index import INDEX, SESSIONS, File, LineWriter
from assay.archive.make import archive_published
from assay.archive.place import RELEASE, StoragePlace, open_place
from assay.archive.restore import restore
from assay.archive.tar import TarWriter
from assay.archive.verify import index_lines, read_index
from assay.collect.imports import import_folder
from assay.database import migrate
from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.errors import ArchiveError, AssayError
from assay.process import process_arrived
from assay.publish.layout import snapshot_folder
from assay.publish.snapshot import open_target, publish_snapshot
from assay.settings import Settings
from assay.storage import Storage
from assay.summarize.step import refresh_statistics
from assay.workspace import Workspace
from dataset_content import simple, stream
from dataset_ledger import fill
from git_server import REPOSITORY, TOKEN, GitServer
from pydantic import SecretStr
from raw_sessions import arrive


def raw(workspace: Workspace) -> dict[str, str]:
    return {one.key: workspace.storage.sha256(one.key) for one in workspace.storage.list("raw")}


@pytest.fixture
def empty(empty_database_url: str, tmp_path: Path) -> Iterator[Workspace]:
    """Another installation: an empty database, an empty bucket."""
    engine = connect(empty_database_url)
    migrate.upgrade(engine)
    ledger = Ledger(engine, "default")
    ledger.open_dataset()
    settings = Settings(home=tmp_path / "elsewhere", database_url=empty_database_url)  # type: ignore[arg-type]
    yield Workspace(settings, "default", Storage.open(settings.object_storage_url), engine, ledger)
    engine.dispose()


def made(workspace: Workspace) -> str:
    """Two snapshots, archived and cleaned: the second after a decision, a changed file, and bytes that are no session."""
    arrive(workspace, range(6), broken=[6], rejected=2)
    process_arrived(workspace)
    publish_snapshot(workspace)
    archive_published(workspace)
    clean(workspace, days=0)
    arrive(workspace, range(7, 12), day="2025-07-01")
    changed = str(workspace.ledger.sessions(states=["arrived"]).iloc[0]["prefix"])
    workspace.storage.write(f"{changed}result.json", b"changed before it was verified")
    process_arrived(workspace)
    accepted = workspace.ledger.sessions(verdicts=["accepted", "accepted with warnings"])["session"].tolist()
    workspace.ledger.decide(accepted[0], "rejected", who="an operator", why="the machine was shared")
    refresh_statistics(workspace)
    name = publish_snapshot(workspace).name
    archive_published(workspace)
    clean(workspace, days=0)
    return name


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """The workspace with its raw sessions, snapshots and archives where the test's parameter says."""
    with ExitStack() as at_end:
        settings: dict[str, Any] = {}
        if request.param == "S3":
            s3, bucket = request.getfixturevalue("s3"), request.getfixturevalue("bucket")
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            settings = {"storage_url": f"s3://{bucket}/lab"}
        elif request.param == "releases on GitHub":
            server = GitServer(tmp_path)
            at_end.callback(server.stop)
            settings = {"github_repository": REPOSITORY, "github_token": SecretStr(TOKEN), "github_api": server.url}
            settings["archive_url"] = RELEASE
        changed = workspace.settings.model_copy(update=settings)
        yield replace(workspace, settings=changed, storage=Storage.open(changed.object_storage_url))


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "elsewhere",
    ["a folder", pytest.param("S3", marks=pytest.mark.full), pytest.param("releases on GitHub", marks=pytest.mark.full)],
    indirect=True,
)
def test_the_same_documents_from_archives_alone(elsewhere: Workspace, empty: Workspace, tmp_path: Path) -> None:
    workspace = elsewhere
    name = made(workspace)
    kept_out = len(workspace.ledger.sessions(verdicts=["quarantined", "rejected"]))
    place = open_place(workspace)
    interrupted = iter(range(3))
    original = empty.ledger.register_many

    def broken(given: Any) -> Any:
        if next(interrupted, None) == 0:
            raise AssayError("the machine went away")
        return original(given)

    empty.ledger.register_many = broken  # type: ignore[method-assign]
    with pytest.raises(AssayError, match="went away"):
        restore(empty, place, name)
    done = restore(empty, place, name, to=tmp_path / "again")
    assert (done.sessions, done.compared) == (12, True)
    assert len(empty.ledger.sessions(verdicts=["quarantined", "rejected"])) == kept_out
    assert empty.ledger.accounting() == workspace.ledger.accounting()
    target = open_target(workspace)
    folder = snapshot_folder(name)
    documents = dict(target.read_many(target.tags()[name], sorted(target.tree(target.tags()[name], folder))))
    assert {path.removeprefix(f"{folder}/"): data for path, data in documents.items()} == {
        path.name: path.read_bytes() for path in (tmp_path / "again").iterdir() if path.is_file()
    }
    assert done.documents > len(documents), "those over time too"
    # The installation goes on from here: what it holds is archived, and goes when it is old enough again.
    assert clean(empty, dry_run=True, days=30).cleaned.sessions == 0
    assert restore(empty, place, name).compared
    everything = raw(empty)
    assert raw(workspace).items() <= everything.items()


def test_in_a_dataset_that_goes_on_only_raw_files_come_back(workspace: Workspace) -> None:
    series = [simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, 2), *stream("t3.large", 20.0, 1)[:1]]
    fill(workspace, series, quarantined=["t3.large"])
    name = publish_snapshot(workspace).name
    archive_published(workspace)
    before = raw(workspace)
    clean(workspace, days=0)
    fill(workspace, [simple("c7g.large", "hpl", "gflops", "GFLOPS", 50.0, 1)])
    statistics = workspace.ledger.statistics()
    done = restore(workspace, StoragePlace(workspace.storage, "default"), name)
    assert (done.sessions, done.compared, done.documents) == (3, False, 0)
    assert before.items() <= raw(workspace).items()
    assert workspace.ledger.statistics().equals(statistics)
    assert clean(workspace, dry_run=True, days=1).cleaned.sessions == 0, "what was restored is young again"
    assert clean(workspace, days=0).cleaned.sessions == 2


def test_a_document_that_differs_is_named(workspace: Workspace, empty: Workspace) -> None:
    arrive(workspace, range(4))
    process_arrived(workspace)
    name = publish_snapshot(workspace).name
    archive_published(workspace)
    rewrite(workspace, name, lambda index: {**index, "rejected": 3})
    with pytest.raises(ArchiveError, match=r"of \d+ documents differ from those that were published: .*names the code"):
        restore(empty, StoragePlace(workspace.storage, "default"), name)
    assert empty.ledger.archives().empty


def rewrite(workspace: Workspace, snapshot: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    key = f"archive/default/{snapshot}/{INDEX}"
    workspace.storage.write(key, orjson.dumps(change(orjson.loads(workspace.storage.read(key)))))


@pytest.fixture
def archive(workspace: Workspace) -> tuple[Workspace, str]:
    """A small archive, to be spoilt."""
    fill(workspace, [simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, 2)])
    name = publish_snapshot(workspace).name
    archive_published(workspace)
    return workspace, name


def volume(archive: tuple[Workspace, str], scratch: Path, files: dict[str, bytes]) -> None:
    """Put another volume in place of the archive's, with an index that knows it."""
    workspace, name = archive
    with TarWriter(scratch / "raw") as tar:
        for path, data in files.items():
            tar.add(path, len(data), (data,))
    assert tar.packed is not None
    file = msgspec.to_builtins(File.of("raw-001.tar.zst", tar.packed))
    workspace.storage.write(f"archive/default/{name}/raw-001.tar.zst", (scratch / "raw").read_bytes())
    rewrite(workspace, name, lambda index: {**index, "volumes": [{**index["volumes"][0], "file": file}]})


def contents(archive: tuple[Workspace, str]) -> dict[str, bytes]:
    """What the archive's volume holds, in its order."""
    workspace, name = archive
    place = StoragePlace(workspace.storage, "default")
    found: dict[str, bytes] = {}
    for line in index_lines(place, read_index(place, "default", name)[0]):
        keys = sorted(one.key for one in workspace.storage.list(line.prefix.rstrip("/")))
        for key in sorted(keys, key=lambda key: (not key.endswith("manifest.json"), key)):
            found[key] = workspace.storage.read(key)
    return found


def spoilt(files: dict[str, bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    first, *rest = files
    other = {key: files[key] for key in rest}
    yield "begins with", other
    yield "its manifest has SHA-256", {first: files[first] + b" ", **other}
    yield "is not what the session's manifest lists", {**files, rest[0]: b"longer than it was listed"}
    yield "has SHA-256", {**files, rest[0]: b"x" * len(files[rest[0]])}
    yield "lacks", {key: data for key, data in files.items() if key != rest[0]}
    yield "safe names", {**files, "../../etc/cron.d/x": b"x"}
    prefix = first.rpartition("/")[0]
    yield "is not what the session's manifest lists", {first: files[first], f"{prefix}/unlisted": b"x", **other}
    yield "lacks 2 sessions", {"raw/instance_benchmark/elsewhere": b"x"}


def test_an_archive_that_is_not_what_its_index_says_is_refused(
    archive: tuple[Workspace, str], empty: Workspace, tmp_path: Path
) -> None:
    workspace, name = archive
    files = contents(archive)
    for message, wrong in spoilt(files):
        volume(archive, tmp_path, wrong)
        with pytest.raises(ArchiveError, match=message):
            restore(empty, StoragePlace(workspace.storage, "default"), name)
    assert {one.key.split("/")[0] for one in empty.storage.list()} <= {"raw"}
    assert set(raw(empty)) <= set(files)


def test_an_index_from_outside_is_read_strictly(archive: tuple[Workspace, str], empty: Workspace) -> None:
    workspace, name = archive
    place, key = StoragePlace(workspace.storage, "default"), f"archive/default/{name}/{INDEX}"
    whole = workspace.storage.read(key)
    index = orjson.loads(whole)
    for message, wrong in (
        ("is no index", b"{"),
        ("is no index", b"[]"),
        ("unknown field `more`", orjson.dumps({**index, "more": 1})),
        ("sessions", orjson.dumps({**index, "sessions": "many"})),
        ("this version of Assay reads 1", orjson.dumps({**index, "format": 2})),
        ("is of dataset 'other'", orjson.dumps({**index, "dataset": "other"})),
        ("which is not listed", orjson.dumps({**index, "volumes": []})),
        ("the index says otherwise", orjson.dumps({**index, "accepted": 7})),
        ("stated were", orjson.dumps({**index, "sessions": {**index["sessions"], "sha256": "0" * 64}})),
    ):
        workspace.storage.write(key, wrong)
        with pytest.raises(ArchiveError, match=message):
            restore(empty, place, name)
    with pytest.raises(ArchiveError, match="is not there"):
        restore(empty, place, "2024-01-01")


def test_a_session_cannot_be_put_elsewhere(archive: tuple[Workspace, str], empty: Workspace, tmp_path: Path) -> None:
    workspace, name = archive
    place = StoragePlace(workspace.storage, "default")
    before = list(index_lines(place, read_index(place, "default", name)[0]))
    files = contents(archive)
    old, new = before[0].prefix, "raw/recording/2024/11/20/mine/"
    with LineWriter(tmp_path / "lines") as writer:
        for line in before:
            writer.add(msgspec.structs.replace(line, prefix=new) if line.prefix == old else line)
    assert writer.packed is not None
    packed = msgspec.to_builtins(File.of(SESSIONS, writer.packed))
    workspace.storage.write(f"archive/default/{name}/{SESSIONS}", (tmp_path / "lines").read_bytes())
    volume(archive, tmp_path, {key.replace(old, new): data for key, data in files.items()})
    rewrite(workspace, name, lambda index: {**index, "sessions": packed})
    with pytest.raises(ArchiveError, match="its manifest is of"):
        restore(empty, place, name)
    assert list(empty.storage.list()) == []


def test_hashes_of_what_was_restored_are_those_of_the_manifests(archive: tuple[Workspace, str], empty: Workspace) -> None:
    workspace, name = archive
    with pytest.raises(ArchiveError, match="documents differ"):
        # What `fill` stores is no output of any tool: it comes back to the byte, and is quarantined on the way.
        restore(empty, StoragePlace(workspace.storage, "default"), name)
    assert raw(empty) == raw(workspace)
    files = empty.ledger.raw_files()
    for session, path, sha256 in zip(files["session"], files["path"], files["sha256"], strict=True):
        prefix = empty.ledger.manifests([session])[session][0]
        assert hashlib.sha256(empty.storage.read(f"{prefix}{path}")).hexdigest() == sha256


@pytest.mark.full
def test_other_peoples_real_results_come_back_with_every_reason_for_quarantine(
    workspace: Workspace, empty: Workspace, test_data: Path
) -> None:
    import_folder(workspace, "aws-instance-benchmarks", test_data / "instance-benchmarks")
    process_arrived(workspace)
    name = publish_snapshot(workspace).name
    archive_published(workspace)
    done = restore(empty, StoragePlace(workspace.storage, "default"), name)
    assert done.compared
    assert done.sessions > 100
    assert empty.ledger.accounting() == workspace.ledger.accounting()
