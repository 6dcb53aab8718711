"""Trees of commits that a target has shown before, kept in our own storage: a commit's tree never changes.

The tree that the read-back listed is the one that the next publication builds on, so that nobody has to be asked for it again.
Only what the target itself has answered is kept, never what we meant to send.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from assay.storage import Storage

FOLDER = "processed/trees"


@dataclass(frozen=True)
class Tree:
    """The tree of a commit: its own id, and every file below it (path -> blob id)."""

    root: str
    files: dict[str, str]


class KnownTrees:
    """The tree of the newest commit that a target listed, for one target."""

    def __init__(self, storage: Storage, target: str) -> None:
        self._storage = storage
        self._folder = f"{FOLDER}/{re.sub('[^A-Za-z0-9-]+', '-', target).strip('-')}"

    def find(self, commit: str) -> Tree | None:
        """The tree of a commit, or None."""
        try:
            said = orjson.loads(self._storage.read(self._key(commit)))
            return Tree(said["root"], dict(said["files"]))
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None

    def keep(self, commit: str, tree: Tree) -> None:
        """Keep the tree of a commit in place of those kept before."""
        before = [item.key for item in self._storage.list(self._folder)]
        self._storage.write(self._key(commit), orjson.dumps(tree))
        self._storage.delete(key for key in before if key != self._key(commit))

    def _key(self, commit: str) -> str:
        return f"{self._folder}/{commit}.json"


def tree_id(entries: Iterable[Mapping[str, str]]) -> str:
    """The id that Git gives to a folder, from `path` (a name), `mode`, `type` and `sha` of all that is in it.

    Git sorts folders as if their names ended with a slash (git-mktree).
    """
    ordered = sorted(entries, key=lambda entry: (entry["path"] + ("/" if entry["type"] == "tree" else "")).encode())
    lines = (f"{entry['mode'].lstrip('0')} {entry['path']}".encode() + bytes.fromhex(f"00{entry['sha']}") for entry in ordered)
    body = b"".join(lines)
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
