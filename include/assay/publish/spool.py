"""Files on their way into a commit, on disk: what a snapshot carries over time is too much to hold in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from assay.publish.target import blob_id


class Spool(Mapping[str, bytes]):
    """Files by path. Reading one gives its bytes from disk; their blob ids (see publish.target) are known without reading."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}
        self.blobs: dict[str, str] = {}

    def write(self, path: str, data: bytes) -> None:
        """Add a file."""
        place = self._folder / f"{len(self._files)}"
        place.write_bytes(data)
        self._files[path] = place
        self.blobs[path] = blob_id(data)

    def __getitem__(self, path: str) -> bytes:
        return self._files[path].read_bytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class Joined(Mapping[str, bytes]):
    """Two sets of files as one; no path is in both."""

    def __init__(self, first: Mapping[str, bytes], second: Mapping[str, bytes]) -> None:
        self._parts = (first, second)

    def __getitem__(self, path: str) -> bytes:
        first, second = self._parts
        return first[path] if path in first else second[path]

    def __iter__(self) -> Iterator[str]:
        return (path for part in self._parts for path in part)

    def __len__(self) -> int:
        return sum(map(len, self._parts))


@contextmanager
def spool() -> Iterator[Spool]:
    """An empty spool, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="assay-spool-") as folder:
        yield Spool(Path(folder))
