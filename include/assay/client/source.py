"""Where the files of a published tree are: on a host, or in a folder of this machine."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from assay.client import http
from assay.client.cache import Cache, Copy
from assay.client.errors import ClientError, Corrupt, NotCached, NotPublished

log = logging.getLogger(__name__)

_SNAPSHOT_FOLDER = re.compile(r"(.*?)/?data/processed/(latest|v1\.0/([^/]+))/*$")


class Source(Protocol):
    """Files by their path from the root of the tree."""

    name: str

    def read(self, path: str, *, fresh: bool = False) -> bytes:
        """A file. `fresh`: not from a copy. Raises NotPublished, and what else can go wrong as ClientError."""


class Folder:
    """A tree on this machine, such as a clone of the dataset's repository."""

    def __init__(self, root: Path, *, max_bytes: int) -> None:
        self.name, self._root, self._max = str(root), root.expanduser(), max_bytes
        if not self._root.is_dir():
            raise NotPublished(f"{root}: no such folder; expected the root of a published dataset, or its URL")

    def read(self, path: str, *, fresh: bool = False) -> bytes:
        """A file of the tree."""
        file = self._root / path
        try:
            if file.stat().st_size > self._max:
                raise Corrupt(f"{file}: is larger than {self._max} bytes; `max_bytes` allows more")
            return file.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotPublished(f"{file}: no such file") from None
        except OSError as error:
            raise ClientError(f"{file}: cannot be read: {error}") from None


class Host:
    """A tree behind a base URL. What is fetched is kept on disk, and fetched again only where the host says that it changed."""

    def __init__(
        self,
        base: str,
        *,
        cache: Cache | None,
        offline: bool,
        headers: Mapping[str, str],
        timeout_s: float,
        max_bytes: int,
        attempts: int,
    ) -> None:
        self.name = base
        self._cache, self._offline, self._headers = cache, offline, dict(headers)
        self._timeout, self._max, self._attempts = timeout_s, max_bytes, attempts

    def read(self, path: str, *, fresh: bool = False) -> bytes:
        """A file of the tree: one request, with the ETag of the copy where there is one; offline, the copy."""
        url = f"{self.name}{path}"
        copy = self._cache.get(url) if self._cache else None
        if self._offline:
            if copy is None:
                raise NotCached(f"{url}: offline, and no copy on this disk; open the dataset once with the network there")
            return copy.body
        condition = {} if fresh or copy is None else _condition(copy)
        headers = {**self._headers, **condition, **({"Cache-Control": "no-cache"} if fresh else {})}
        answer = http.get(url, headers, timeout_s=self._timeout, max_bytes=self._max, attempts=self._attempts)
        if answer.body is None:
            if copy is None:
                raise Corrupt(f"{url}: the host says that nothing changed, but was not asked that")
            log.debug("%s: unchanged since %s", url, copy.fetched_at)
            return copy.body
        if self._cache:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._cache.put(Copy(url, answer.body, answer.etag, answer.last_modified, now))
        return answer.body


def _condition(copy: Copy) -> dict[str, str]:
    """The headers that ask for a document only if it is not the one of the copy."""
    said = {"If-None-Match": copy.etag, "If-Modified-Since": "" if copy.etag else copy.last_modified}
    return {name: value for name, value in said.items() if value}


def split_base(base: str) -> tuple[str, str | None]:
    """(root of the tree, snapshot) of a base: the root itself gives no snapshot; a snapshot's folder gives its name too.

    `https://host/x/data/processed/latest/` gives (`https://host/x/`, `latest`).
    """
    match = _SNAPSHOT_FOLDER.fullmatch(base)
    if match:
        return f"{match[1]}/" if match[1] or base.startswith("/") else "./", match[3] or match[2]
    return base if base.endswith("/") else f"{base}/", None


def is_url(base: str) -> bool:
    """Whether a base is a URL, rather than a path. Raises ClientError for one that is neither http, https nor file."""
    parts = urlsplit(base)
    if "://" not in base:
        return False
    if parts.scheme not in ("http", "https", "file"):
        raise ClientError(f"{base}: expected http://, https://, file:// or a folder")
    if parts.username or parts.password:
        raise ClientError("the base URL holds a name or a password; give them as `headers`, so that no message shows them")
    if parts.query or parts.fragment:
        raise ClientError(f"{base}: expected a base without `?` and `#`: names of documents are put behind it")
    return True


def folder_of(base: str) -> Path:
    """The folder of a path or a file:// URL."""
    return Path(unquote(urlsplit(base).path)) if base.startswith("file:") else Path(base)
