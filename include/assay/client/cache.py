"""Copies of fetched documents on disk, with what the host needs to say that they are still the newest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)

DEFAULT_FOLDER = Path("~/.cache/assay-client")


@dataclass(frozen=True)
class Copy:
    """A fetched document. `etag` and `last_modified` are empty where the host gave none; `fetched_at` is UTC."""

    url: str
    body: bytes
    etag: str
    last_modified: str
    fetched_at: str


class Cache:
    """A folder of copies by URL. Several processes may use it at once; a copy that was cut short or changed counts as none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser()

    def get(self, url: str) -> Copy | None:
        """The copy of a URL; None where there is none that is whole."""
        about, body = self._paths(url)
        try:
            said, data = json.loads(about.read_bytes()), body.read_bytes()
            if said.pop("sha256") != hashlib.sha256(data).hexdigest() or said["url"] != url:
                return None
            return Copy(body=data, **said)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def put(self, copy: Copy) -> None:
        """Keep a copy in place of the one before. A disk that cannot take it is logged: the document is there all the same."""
        about, body = self._paths(copy.url)
        said = {name: value for name, value in asdict(copy).items() if name != "body"}
        said["sha256"] = hashlib.sha256(copy.body).hexdigest()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Between the two a reader sees a hash that does not match, which is no copy.
            _replace(body, copy.body)
            _replace(about, json.dumps(said).encode())
        except OSError as error:
            log.warning("%s: cannot keep a copy of %s: %s", self.folder, copy.url, error)

    def _paths(self, url: str) -> tuple[Path, Path]:
        name = hashlib.sha256(url.encode()).hexdigest()
        return self.folder / f"{name}.about.json", self.folder / f"{name}.body"


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
