"""Where a dataset is published: a Git repository, whatever holds it. One interface, one set of promises, one contract test.

A commit is all or nothing: one commit object, then branch and tag together, never forced, and only if the branch is still where
the publisher saw it. Nothing to change means nothing written.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from assay.errors import PublicationError

BRANCH = "main"


class MovedBranch(PublicationError):
    """The branch is no longer where the publisher saw it; look again and build on what is there now."""


class TagTaken(PublicationError):
    """The tag exists already, on another commit; take another name."""


@dataclass(frozen=True)
class Change:
    """What a commit does to the tree: files to write, by path, and paths to remove. Everything else stays as it is."""

    write: Mapping[str, bytes]
    remove: frozenset[str] = field(default_factory=frozenset)


class GitTarget(ABC):
    """A repository's branch `main` and its tags. Methods raise PublicationError, with what to do, when the target fails."""

    name: str
    """Where it is, for messages and the ledger; holds no secret."""

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


def blob_id(data: bytes) -> str:
    """The id that Git gives to a file's content: SHA-1 over a header and the bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
