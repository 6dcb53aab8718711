"""Killed before every step between build and clean, and run again: one commit, and nothing gone that no proven archive holds."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archive_contents import files_in_archives
from archive_steps import died, publish_archive_clean
from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.publish.git import Git
from assay.publish.snapshot import open_target
from assay.session import Manifest, SessionKind, Source, hash_folder
from assay.settings import Settings
from assay.storage import Storage, store_session
from assay.workspace import Workspace
from dataset_content import Series, simple, stream
from dataset_ledger import fill
from real_servers import copied_database, dropped_database

OFTEN = (12, 19)
"""What the normal suite tries: before the second file of the archive lies in its place, and in the middle of deleting. The long
matrix tries every step."""


@dataclass
class Template:
    """A home and a database before the run: one snapshot cleaned, one session more, and what must never be cleaned."""

    home: Path
    database_url: str
    raw: dict[str, str]
    published: frozenset[str]


def series(sessions: int) -> list[Series]:
    return [simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, sessions), *stream("t3.large", 20.0, 1)[:1]]


def recording(workspace: Workspace, folder: Path) -> None:
    """A recording, which nobody may clean, however old and however published it looks."""
    folder.mkdir(parents=True)
    (folder / "signal.bin").write_bytes(b"recorded once")
    started = datetime(2024, 11, 20, 9, tzinfo=UTC)
    source = Source("lab", "1", "CC BY 4.0", "a lab")
    manifest = Manifest(SessionKind.RECORDING, "rig-1", started, started + timedelta(minutes=1), source, hash_folder(folder))
    store_session(workspace.storage, folder, manifest)
    prefix = f"raw/recording/2024/11/20/{manifest.session}/"
    workspace.ledger.register(manifest, hashlib.sha256(manifest.to_bytes()).hexdigest(), prefix)


def hashes(storage: Storage, folder: str = "raw") -> dict[str, str]:
    return {one.key: storage.sha256(one.key) for one in storage.list(folder)}


@pytest.fixture(scope="module")
def template(server_urls: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    home = tmp_path_factory.mktemp("template")
    url = copied_database(server_urls, server_urls.assay)
    engine = connect(url)
    settings = Settings(home=home, database_url=url)  # type: ignore[arg-type]
    ledger = Ledger(engine, "default")
    ledger.open_dataset()
    workspace = Workspace(settings, "default", Storage.open(settings.object_storage_url), engine, ledger)
    fill(workspace, series(2), quarantined=["t3.large"])
    publish_archive_clean(workspace)
    cleaned = workspace.ledger.sessions(verdicts=["accepted"])
    recording(workspace, home / "recording")
    fill(workspace, series(4), quarantined=["t3.large"])
    # Filling stores every session again, the cleaned ones too.
    workspace.storage.delete([key for key in hashes(workspace.storage) if key.startswith(tuple(cleaned["prefix"]))])
    accepted = workspace.ledger.sessions(verdicts=["accepted"])
    raw = hashes(workspace.storage)
    published = frozenset(key for key in raw if key.startswith(tuple(accepted["prefix"])))
    assert len(published) == 6
    engine.dispose()
    yield Template(home, url, raw, published)
    dropped_database(server_urls, url)


class Place:
    """A copy of the template, in a local folder or in a bucket with versions."""

    def __init__(self, template: Template, server_urls: Any, folder: Path, s3: Any | None) -> None:
        self.s3, self.urls, self.bucket = s3, server_urls, f"assay-{uuid.uuid4().hex[:16]}"
        home = folder / uuid.uuid4().hex
        shutil.copytree(template.home, home)
        self.database_url = copied_database(server_urls, template.database_url)
        self.engine = connect(self.database_url)
        storage_url = None
        if s3 is not None:
            s3.create_bucket(Bucket=self.bucket)
            s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
            storage_url = f"s3://{self.bucket}/x"
            local, storage = Storage.open((home / "storage").as_uri()), Storage.open(storage_url)
            for one in local.list():
                storage.write(one.key, local.read(one.key))
                if one.key.startswith("raw/"):
                    storage.write(one.key, local.read(one.key))  # a second version of the same bytes
            shutil.rmtree(home / "storage")
        self.settings = Settings(home=home, database_url=self.database_url, storage_url=storage_url)  # type: ignore[arg-type]
        storage = Storage.open(self.settings.object_storage_url)
        self.workspace = Workspace(self.settings, "default", storage, self.engine, Ledger(self.engine, "default"))

    def versions(self) -> set[str]:
        """The raw keys of which the bucket holds any version or mark of a deletion."""
        assert self.s3 is not None
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix="x/raw/")
        found = [one for page in pages for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))]
        return {one["Key"].removeprefix("x/") for one in found}

    def close(self) -> None:
        self.engine.dispose()
        dropped_database(self.urls, self.database_url)
        shutil.rmtree(self.settings.home)


def check(place: Place, template: Template) -> None:
    """Run again to the end, and look at everything."""
    workspace = place.workspace
    snapshot = publish_archive_clean(workspace)
    repository = Git(workspace.settings.git_repository("default"))
    assert len(repository.text("rev-list", "main").splitlines()) == 2
    assert open_target(workspace).tags()[snapshot.name] == open_target(workspace).head() == snapshot.commit
    states = dict(zip(workspace.ledger.snapshots()["name"], workspace.ledger.snapshots()["state"], strict=True))
    assert states == {"2024-11-20": "published", "2024-11-20.2": "published"}
    assert sorted(workspace.ledger.archives()["snapshot"]) == sorted(states)
    left = hashes(workspace.storage)
    gone = template.raw.keys() - left.keys()
    assert gone == template.published
    archived = files_in_archives(workspace.storage)
    assert {key: template.raw[key] for key in gone} == {key: archived[key] for key in gone}
    assert left == {key: sha256 for key, sha256 in template.raw.items() if key not in gone}
    if place.s3 is not None:
        assert place.versions() == left.keys()
    assert not list((workspace.settings.home / "archiving").glob("*"))
    assert publish_archive_clean(workspace).changed is False
    assert hashes(workspace.storage) == left


def kill_and_check(template: Template, server_urls: Any, folder: Path, s3: Any | None, step: int) -> bool:
    place = Place(template, server_urls, folder, s3)
    try:
        killed = died(place.settings, place.database_url, step)
        check(place, template)
    finally:
        place.close()
    return killed


@pytest.mark.enable_socket
@pytest.mark.parametrize("store", ["local", pytest.param("s3", marks=pytest.mark.full)])
def test_killed_at_some_steps_and_run_again(
    template: Template, server_urls: Any, tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    s3 = request.getfixturevalue("s3") if store == "s3" else None
    tried = [step for step in OFTEN if kill_and_check(template, server_urls, tmp_path, s3, step)]
    assert tried == list(OFTEN)
    print(f"killed at {len(tried)} points on {store}")


@pytest.mark.full
@pytest.mark.enable_socket
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("store", ["local", "s3"])
def test_killed_at_every_step_and_run_again(
    template: Template, server_urls: Any, tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    s3 = request.getfixturevalue("s3") if store == "s3" else None
    step = 1
    while kill_and_check(template, server_urls, tmp_path, s3, step):
        step += 1
    print(f"killed at {step - 1} points on {store}")
    assert step > 20
