"""A workspace opens on nothing at all, on what is there, and says plainly when it cannot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from assay.database import embedded
from assay.errors import DatabaseUnavailable, DatasetConflict, StorageError
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import open_workspace
from made_sessions import made_arrival
from real_servers import open_home


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home where nothing is yet, and an environment that configures nothing."""
    for name in [name for name in os.environ if name.startswith("ASSAY_")]:
        monkeypatch.delenv(name)
    home = open_home()
    yield home
    embedded.remove(home)
    shutil.rmtree(home)


def test_everything_is_made_on_the_way_and_found_the_next_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(home / "var"))
    with open_workspace() as workspace:
        assert workspace.dataset == "default"
        assert workspace.ledger.licence() == workspace.settings.licence == "CC BY 4.0"
        assert workspace.storage.url == (home / "var" / "storage").as_uri()
        workspace.ledger.register_many([made_arrival(1)])
        workspace.storage.write("processed/x", b"y")
        with open_workspace() as inner:
            assert inner.ledger.accounting().read == 1
    with open_workspace() as again:
        assert again.ledger.accounting().read == 1
        assert again.storage.read("processed/x") == b"y"
    embedded.remove(home / "var")


def test_every_dataset_has_a_ledger_of_its_own_and_the_others_take_the_licence_of_their_first_session(settings: Settings) -> None:
    with open_workspace("default", settings) as workspace:
        workspace.ledger.register_many([made_arrival(1)])
    with open_workspace("spare-cores", settings) as other:
        assert other.ledger.licence() is None
        assert other.ledger.accounting().read == 0
    with open_workspace(settings=settings.model_copy(update={"dataset": "spare-cores"})) as named:
        assert named.dataset == "spare-cores"


def test_the_configured_database_and_storage_are_used(database_url: str, bucket: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=database_url, storage_url=f"s3://{bucket}/x")  # type: ignore[arg-type]
    with open_workspace(settings=settings) as workspace:
        workspace.storage.write("processed/a", b"x")
        assert workspace.engine.url.database == database_url.rpartition("?")[0].rpartition("/")[2]
    assert [found.key for found in Storage.open(f"s3://{bucket}").list()] == ["x/processed/a"]
    assert list(tmp_path.iterdir()) == []


test_the_configured_database_and_storage_are_used = pytest.mark.enable_socket(test_the_configured_database_and_storage_are_used)


@pytest.mark.parametrize("name", ["Upper", "with blank", "a/b", "-dash", "x" * 41, "ü"])
def test_a_name_that_is_no_datasets_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(DatasetConflict, match="lower case letters"), open_workspace(name, settings):
        pass


def test_a_storage_that_cannot_be_is_a_plain_message(settings: Settings) -> None:
    absent = settings.model_copy(update={"storage_url": "gopher://x"})
    with pytest.raises(StorageError, match="ASSAY_STORAGE_URL"), open_workspace(settings=absent):
        pass


@pytest.mark.full  # it is waited for, since it may be starting
def test_a_database_that_is_not_there_is_a_plain_message(tmp_path: Path) -> None:
    away = Settings(home=tmp_path, database_url=f"postgresql+psycopg2://me@/assay?host={tmp_path}")  # type: ignore[arg-type]
    with pytest.raises(DatabaseUnavailable, match=str(tmp_path)), open_workspace(settings=away):
        pass
