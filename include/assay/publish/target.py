"""Where a dataset is published: a Git repository, whatever holds it. One interface, one set of promises, one contract test.

A commit is all or nothing: one commit object, then branch and tag together, never forced, and only if the branch is still where
the publisher saw it. Nothing to change means nothing written.

A tag may have a release: a title, notes, and attached files that lie beside the tree. A release is made once; an attached file
never changes.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from assay.errors import PublicationError

BRANCH = "main"
MAX_ATTACHED_BYTES = 2 * 1024**3 - 1
"""The most that a release takes as one file: GitHub's limit, kept everywhere."""

_ATTACHED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,98}[A-Za-z0-9]")


class MovedBranch(PublicationError):
    """The branch is no longer where the publisher saw it; look again and build on what is there now."""


class TagTaken(PublicationError):
    """The tag exists already, on another commit; take another name."""


class AttachedConflict(PublicationError):
    """A release holds another file of the same name; an attached file never changes, take another name."""


class Attached(NamedTuple):
    """A file of a release: its size, and its SHA-256 in hex; None where the host does not say: fetching then proves it."""

    bytes: int
    sha256: str | None


@dataclass(frozen=True)
class Change:
    """What a commit does to the tree: files to write, by path, and paths to remove. Everything else stays as it is."""

    write: Mapping[str, bytes]
    remove: frozenset[str] = field(default_factory=frozenset)


class Releases(ABC):
    """The releases of a repository, and the files attached to them. Methods raise PublicationError when the host refuses."""

    @abstractmethod
    def make(self, tag: str, title: str, notes: str) -> None:
        """Make the release of a tag that exists, unless there is one: notes that were edited by hand survive."""

    @abstractmethod
    def attach(self, tag: str, name: str, path: Path, sha256: str) -> None:
        """Attach a file; see GitTarget.attach."""

    @abstractmethod
    def attached(self, tag: str) -> dict[str, Attached]:
        """Every file that was attached whole to the release of a tag, by name; nothing where there is no release."""

    @abstractmethod
    def fetch(self, tag: str, name: str, into: Path) -> None:
        """Write an attached file to a path; see GitTarget.fetch_attached."""


class GitTarget(ABC):
    """A repository's branch `main` and its tags. Methods raise PublicationError, with what to do, when the target fails."""

    name: str
    """Where it is, for messages and the ledger; holds no secret."""
    _releases: Releases

    @abstractmethod
    def head(self) -> str | None:
        """The commit that the branch points to; None while there is none."""

    @abstractmethod
    def tree(self, commit: str, folder: str = "") -> dict[str, str]:
        """Every file below a folder of a commit: full path -> blob id (see `blob_id`). Links and submodules included."""

    @abstractmethod
    def read(self, commit: str, path: str) -> bytes:
        """A file of a commit. Raises FileNotFoundError."""

    @abstractmethod
    def read_many(self, commit: str, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Files of a commit, one after the other. Raises FileNotFoundError at the first that is missing."""

    @abstractmethod
    def pieces(self, commit: str, path: str) -> Iterator[bytes]:
        """A file of a commit, piece by piece: memory does not grow with its size. Raises FileNotFoundError."""

    @abstractmethod
    def tags(self) -> dict[str, str]:
        """Every tag -> its commit."""

    @abstractmethod
    def commit(self, change: Change, message: str, *, expected: str | None, tag: str | None = None) -> str:
        """Commit a change on top of `expected`, the head that the change was made for, and put the tag on the new commit.

        Gives the new commit, or `expected` if the change leaves the tree as it is: then nothing is written and nothing tagged.
        Raises MovedBranch if the branch is elsewhere, TagTaken if the tag exists; in both cases branch and tags are as before.
        """

    @abstractmethod
    def add_tag(self, name: str, commit: str) -> None:
        """Put a tag on a commit that is there; no error if it is on that commit already. Raises TagTaken if it is elsewhere."""

    @abstractmethod
    def message(self, commit: str) -> str:
        """The message of a commit."""

    def release(self, tag: str, title: str, notes: str) -> None:
        """Make the release of a tag that is there; one that exists stays as it is, so that notes edited by hand survive.

        Raises PublicationError if there is no such tag.
        """
        if tag not in self.tags():
            raise PublicationError(f"{self.name}: there is no tag {tag}; publish the snapshot first")
        self._releases.make(tag, title, notes)

    def attach(self, tag: str, name: str, path: Path, sha256: str) -> None:
        """Attach a file to the release of a tag, read from disk piece by piece; what is left of a broken attempt is replaced.

        `sha256`: what the file must have, in hex. Nothing happens if the release holds that file already. Raises AttachedConflict
        if it holds another of that name, PublicationError if there is no release, if the file is not what `sha256` says, or if
        name or size are not accepted (see `attachable`).
        """
        self._releases.attach(tag, name, path, sha256)

    def attached(self, tag: str) -> dict[str, Attached]:
        """Every file that was attached whole to the release of a tag, by name; nothing where there is no release."""
        return self._releases.attached(tag)

    def fetch_attached(self, tag: str, name: str, into: Path) -> None:
        """Write an attached file to the path `into`, piece by piece; it appears there whole or not at all.

        Raises FileNotFoundError if the release has no such file.
        """
        self._releases.fetch(tag, name, into)


def blob_id(data: bytes) -> str:
    """The id that Git gives to a file's content: SHA-1 over a header and the bytes."""
    digest = blob_hash(len(data))
    digest.update(data)
    return digest.hexdigest()


def blob_hash(size: int) -> hashlib._Hash:
    """The hash that gives a blob's id once the content, so many bytes, went through it."""
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def attachable(name: str, path: Path, sha256: str) -> int:
    """The size of a file that is to be attached, in bytes, after a look whether it can be.

    Raises PublicationError if GitHub would change the name, if the file is empty or larger than MAX_ATTACHED_BYTES, or if its
    SHA-256 is not `sha256`.
    """
    if not _ATTACHED_NAME.fullmatch(name):
        raise PublicationError(
            f"attached file {name!r}: expected 2 to 100 letters, digits, '.', '_', '-', with a letter or digit at both ends"
        )
    size = path.stat().st_size
    if not 0 < size <= MAX_ATTACHED_BYTES:
        raise PublicationError(
            f"{path}: {size} bytes; expected 1 to {MAX_ATTACHED_BYTES}, what a release takes as one file: attach it in parts"
        )
    if (found := file_sha256(path)) != sha256:
        raise PublicationError(f"{path}: SHA-256 {found}; expected {sha256}: the file changed since it was made, make it again")
    return size


def require_same(where: str, tag: str, name: str, found: Attached, wanted: Attached) -> None:
    """Raises AttachedConflict if a file that a release holds is not the one that is to be attached."""
    if found != wanted:
        raise AttachedConflict(
            f"{where}: release {tag} holds another {name} ({found.bytes} bytes, SHA-256 {found.sha256}); expected {wanted.bytes} "
            f"bytes, SHA-256 {wanted.sha256}. An attached file never changes: give the new one another name"
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hex, read piece by piece."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
