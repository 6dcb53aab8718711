"""Trees of commits that a target has shown before, kept in our own storage: a commit's tree never changes.

The tree that the read-back listed is the one that the next publication builds on, so that nobody has to be asked for it again.
Only what the target itself has answered is kept, never what we meant to send.
"""

from __future__ import annotations

import re

import orjson

from assay.storage import Storage

FOLDER = "processed/trees"


class KnownTrees:
    """The tree of the newest commit that a target listed (path -> blob id), for one target."""

    def __init__(self, storage: Storage, target: str) -> None:
        self._storage = storage
        self._folder = f"{FOLDER}/{re.sub('[^A-Za-z0-9-]+', '-', target).strip('-')}"

    def find(self, commit: str) -> dict[str, str] | None:
        """The tree of a commit, or None."""
        try:
            return dict(orjson.loads(self._storage.read(self._key(commit))))
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None

    def keep(self, commit: str, tree: dict[str, str]) -> None:
        """Keep the tree of a commit in place of those kept before."""
        before = [item.key for item in self._storage.list(self._folder)]
        self._storage.write(self._key(commit), orjson.dumps(tree))
        self._storage.delete(key for key in before if key != self._key(commit))

    def _key(self, commit: str) -> str:
        return f"{self._folder}/{commit}.json"
