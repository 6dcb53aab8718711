"""Files of a commit on GitHub: a few one by one, many as one archive; each proven by its blob id."""

from __future__ import annotations

import base64
import logging
import shutil
import tarfile
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import requests
from github import GithubException
from github.Repository import Repository

from assay.errors import PublicationError
from assay.publish.patience import Patience
from assay.publish.target import blob_hash, blob_id

FEW = 3
"""Up to so many files are asked for one by one."""

_CHUNK = 1024 * 1024

log = logging.getLogger(__name__)


class Downloads:
    """What was downloaded, by blob id, in a temporary folder."""

    def __init__(self, repository: Repository, patiently: Patience, timeout: int) -> None:
        self._repository, self._patiently, self._timeout = repository, patiently, timeout
        self._folder = Path(tempfile.mkdtemp(prefix="assay-github-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def fetch(self, commit: str, blobs: Sequence[str]) -> None:
        """Make these blobs of a commit ready to be read."""
        missing = [blob for blob in dict.fromkeys(blobs) if not self._path(blob).is_file()]
        if len(missing) > FEW:
            self._archive(commit)
            missing = [blob for blob in missing if not self._path(blob).is_file()]
        for blob in missing:  # also what an archive leaves out or rewrites, by .gitattributes
            self._one(blob)

    def blob(self, blob: str) -> bytes:
        """A blob that was fetched."""
        return self._path(blob).read_bytes()

    def pieces(self, blob: str) -> Iterator[bytes]:
        """A blob that was fetched, piece by piece."""
        with self._path(blob).open("rb") as stream:
            while piece := stream.read(_CHUNK):
                yield piece

    def _path(self, blob: str) -> Path:
        return self._folder / blob

    def _one(self, blob: str) -> None:
        url = f"{self._repository.url}/git/blobs/{blob}"
        answer = self._patiently("read a file", lambda: self._repository.requester.requestJsonAndCheck("GET", url))[1]
        data = base64.b64decode(answer["content"])
        if blob_id(data) != blob:
            raise PublicationError(f"{self._repository.full_name}: blob {blob} came as {blob_id(data)}; try again")
        self._path(blob).write_bytes(data)

    def _archive(self, commit: str) -> None:
        """All files of the commit in one download. A download that breaks off is begun again."""
        with tempfile.TemporaryFile() as packed:

            def download() -> None:
                packed.seek(0)
                packed.truncate()
                link = self._repository.get_archive_link("tarball", commit)
                with requests.get(link, stream=True, timeout=self._timeout) as answer:
                    if answer.status_code != 200:
                        raise GithubException(answer.status_code, None, dict(answer.headers))
                    for chunk in answer.iter_content(_CHUNK):
                        packed.write(chunk)
                packed.seek(0)

            self._patiently("download the commit", download)
            self._keep(packed)

    def _keep(self, packed: object) -> None:
        try:
            with tarfile.open(fileobj=packed, mode="r|gz") as archive:  # type: ignore[call-overload]
                for member in archive:
                    content = archive.extractfile(member) if member.isreg() else None
                    if content is not None:
                        self._keep_file(content, member.size)
        except (tarfile.TarError, EOFError, OSError) as error:
            log.warning("%s: the archive cannot be read (%s); files are read one by one", self._repository.full_name, error)

    def _keep_file(self, content: IO[bytes], size: int) -> None:
        digest = blob_hash(size)
        part = self._path("part")
        with part.open("wb") as kept:
            while piece := content.read(_CHUNK):
                digest.update(piece)
                kept.write(piece)
        part.replace(self._path(digest.hexdigest()))
