"""What of a change can be said inside a tree, as GitHub's trees take it: text, and paths that go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def as_text(data: bytes) -> str | None:
    """The bytes as text that comes back as the same bytes; None where they are no such text."""
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def with_displaced(remove: Iterable[str], write: Mapping[str, bytes], there: Mapping[str, str]) -> set[str]:
    """What must go from the tree: what is removed, and files where folders come to stand, or the other way round."""
    gone = set(remove)
    folders = {"/".join(path.split("/")[:depth]) for path in write for depth in range(1, path.count("/") + 1)}
    for path in there:
        parents = {"/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)}
        if path in folders or parents & write.keys():
            gone.add(path)
    return gone
