"""Archive, clean, restore: from a published snapshot to a proven archive, to raw storage without what it holds, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_contents import files_in_archives
from assay.archive.clean import clean
from assay.archive.make import archive_published
from assay.archive.place import StoragePlace
from assay.archive.restore import restore
from assay.database import migrate
from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.process import process_arrived
from assay.publish.snapshot import publish_snapshot
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import Workspace
from raw_sessions import arrive


def raw(workspace: Workspace) -> dict[str, str]:
    """Every raw object with its SHA-256."""
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


def test_a_snapshot_is_archived_cleaned_and_restored_from_the_archive_alone(workspace: Workspace, empty: Workspace) -> None:
    arrive(workspace, range(6), broken=[6])
    process_arrived(workspace)
    publish_snapshot(workspace)
    before = raw(workspace)
    (made,) = archive_published(workspace)
    assert (made.sessions, made.packed, made.volumes) == (7, 7, 1)
    assert files_in_archives(workspace.storage) == before
    assert archive_published(workspace) == []
    done = clean(workspace, days=0)
    quarantined = workspace.ledger.sessions(verdicts=["quarantined"])
    assert (len(quarantined), done.cleaned.sessions) == (1, 6)
    assert set(raw(workspace)) == {key for key in before if key.startswith(quarantined.iloc[0]["prefix"])}
    result = restore(empty, StoragePlace(workspace.storage, "default"), made.snapshot)
    assert (result.sessions, result.compared) == (7, True)
    assert raw(empty) == before
