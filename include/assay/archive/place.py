"""Where archives lie: below `archive/` of an object store, or as files of the releases of the dataset's repository."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.archive.index import INDEX
from assay.errors import ArchiveError, StorageConflict
from assay.publish.repository import open_repository
from assay.publish.target import AttachedConflict, GitTarget
from assay.storage import Storage
from assay.workspace import Workspace

FOLDER = "archive"
RELEASE = "release"
"""Instead of a store's URL: files of the snapshots' releases."""

_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Held:
    """A file that a place lists: its size, and its SHA-256 where the place keeps it."""

    bytes: int
    sha256: str | None = None


class ArchivePlace(ABC):
    """The archives of one dataset, a few files for each snapshot. `name`: for messages and the ledger; holds no secret."""

    name: str

    @abstractmethod
    def listed(self, snapshot: str) -> dict[str, Held]:
        """The files of a snapshot's archive that are there, by name."""

    @abstractmethod
    def put(self, snapshot: str, name: str, path: Path, sha256: str) -> None:
        """Put a file there; no error if the same bytes are. What a run that was killed left of an archive without an index is
        replaced; raises ArchiveError where the archive has its index."""

    @abstractmethod
    def pieces(self, snapshot: str, name: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece. Raises ArchiveError if it is not there."""

    def where(self, snapshot: str, name: str) -> str:
        """A file's full name, for messages."""
        return f"{self.name}/{snapshot}/{name}"

    def read(self, snapshot: str, name: str, limit: int) -> bytes:
        """A small file whole. Raises ArchiveError if it is not there, or larger than `limit` bytes."""
        content = b""
        for piece in self.pieces(snapshot, name):
            content += piece
            if len(content) > limit:
                raise ArchiveError(f"{self.where(snapshot, name)}: has more than {limit} bytes; not read")
        return content


class StoragePlace(ArchivePlace):
    """`archive/<dataset>/<snapshot>/` of an object store."""

    def __init__(self, storage: Storage, dataset: str) -> None:
        self._storage, self._folder = storage, f"{FOLDER}/{dataset}"
        self.name = storage.uri(self._folder)

    def listed(self, snapshot: str) -> dict[str, Held]:
        folder = f"{self._folder}/{snapshot}"
        return {one.key.removeprefix(f"{folder}/"): Held(one.size) for one in self._storage.list(folder)}

    def put(self, snapshot: str, name: str, path: Path, sha256: str) -> None:
        key = f"{self._folder}/{snapshot}/{name}"
        try:
            self._storage.write_once(key, path, sha256)
        except StorageConflict as error:
            if INDEX in self.listed(snapshot):
                raise ArchiveError(f"{error} The archive of snapshot {snapshot} is complete; `assay archive` proves it") from None
            self._storage.delete([key])
            self._storage.write_once(key, path, sha256)

    def pieces(self, snapshot: str, name: str) -> Iterator[bytes]:
        try:
            yield from self._storage.chunks(f"{self._folder}/{snapshot}/{name}")
        except FileNotFoundError:
            raise ArchiveError(f"{self.where(snapshot, name)}: is not there; expected a file of an archive") from None


class ReleasePlace(ArchivePlace):
    """Files of the release of each snapshot, in the repository that the dataset is published to. They can be read by whoever can
    read the repository, and what was attached never changes."""

    def __init__(self, target: GitTarget, scratch: Path) -> None:
        self._target, self._scratch = target, scratch
        self.name = f"{target.name} releases"

    def listed(self, snapshot: str) -> dict[str, Held]:
        return {name: Held(one.bytes, one.sha256) for name, one in self._target.attached(snapshot).items()}

    def put(self, snapshot: str, name: str, path: Path, sha256: str) -> None:
        try:
            self._target.attach(snapshot, name, path, sha256)
        except AttachedConflict as error:
            raise ArchiveError(
                f"{error} It was left by a run with another version of Assay: delete {name} from the release {snapshot}, then "
                "archive again"
            ) from None

    def pieces(self, snapshot: str, name: str) -> Iterator[bytes]:
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / name
            try:
                self._target.fetch_attached(snapshot, name, path)
            except FileNotFoundError:
                raise ArchiveError(f"{self.where(snapshot, name)}: is not there; expected a file of an archive") from None
            with path.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    yield piece


def open_place(workspace: Workspace, url: str | None = None) -> ArchivePlace:
    """Where the dataset's archives lie: what is given, or else what the settings say. Raises StorageError for another form."""
    settings = workspace.settings
    url = url or settings.archive_url
    if url is None:
        return StoragePlace(workspace.storage, workspace.dataset)
    if url == RELEASE:
        return ReleasePlace(open_repository(settings, workspace.dataset), settings.home / "fetching")
    storage = Storage.open(url, region=settings.storage_region, endpoint=settings.storage_endpoint)
    return StoragePlace(storage, workspace.dataset)
