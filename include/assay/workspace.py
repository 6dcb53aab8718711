"""Where a command or a task works: settings, storage, database and ledger of one dataset, opened together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy import Engine

from assay.database import embedded, migrate
from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.errors import DatasetConflict
from assay.session import SessionKind, is_dataset_name
from assay.settings import Settings
from assay.storage import Storage


@dataclass(frozen=True)
class Workspace:
    """Everything that a step needs, and all that it may touch."""

    settings: Settings
    dataset: str
    storage: Storage
    engine: Engine
    ledger: Ledger

    @cached_property
    def recordings(self) -> Storage:
        """Where the raw files of recordings lie: a store of its own where the settings name one."""
        settings = self.settings
        if settings.recordings_url is None:
            return self.storage
        return Storage.open(settings.recordings_url, region=settings.storage_region, endpoint=settings.storage_endpoint)

    def of_dataset(self, dataset: str) -> Workspace:
        """The same for another dataset, which is made where it is not there."""
        if dataset == self.dataset:
            return self
        ledger = Ledger(self.engine, dataset)
        ledger.open_dataset()
        return replace(self, dataset=dataset, ledger=ledger)

    def raw_storage(self, kind: str) -> Storage:
        """Where the raw files of a kind of session lie."""
        return self.recordings if kind == SessionKind.RECORDING else self.storage


@contextlib.contextmanager
def open_workspace(dataset: str | None = None, settings: Settings | None = None) -> Iterator[Workspace]:
    """Open a dataset's workspace, making on the way what is not there: folders, database, tables, the dataset.

    Where no database is configured, the embedded PostgreSQL runs for as long as somebody holds a workspace. The dataset `default`
    is under the settings' licence from the start; any other takes the licence of its first session.
    Raises DatabaseUnavailable or StorageError with what to do, DatasetConflict when the name cannot be a dataset's.
    """
    settings = settings or Settings()
    dataset = dataset or settings.dataset
    if not is_dataset_name(dataset):
        raise DatasetConflict(f"dataset: found {dataset!r}; expected lower case letters, digits and '-', 40 at most")
    storage = Storage.open(settings.object_storage_url, region=settings.storage_region, endpoint=settings.storage_endpoint)
    with _database_url(settings) as url:
        engine = connect(url)
        try:
            migrate.upgrade(engine)
            ledger = Ledger(engine, dataset)
            ledger.open_dataset(settings.licence if dataset == "default" else None)
            yield Workspace(settings, dataset, storage, engine, ledger)
        finally:
            engine.dispose()


@contextlib.contextmanager
def _database_url(settings: Settings) -> Iterator[str]:
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with embedded.server(settings.home) as urls:
        yield urls.assay
