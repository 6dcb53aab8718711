"""How a change goes to GitHub in few requests: what is sent inside trees, what as a blob of its own, what is there already.

A tree with much inside is refused: users report a timeout or HTTP 502 from some 2.5 MB on (codesandbox-client issue 8614), and
GitHub's own message then is to build the tree incrementally. So content is spread over as many trees as it needs, each on top of
the one before. What is in two places is sent once: a later tree names it by its id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from assay.publish.target import blob_id

INLINE_FILE_BYTES = 1_000_000
"""What is larger goes as a blob of its own."""

INLINE_TREE_BYTES = 2_400_000
_ENTRY_BYTES = 120  # of a path, a mode and an id in the request, roughly


@dataclass(frozen=True)
class Entry:
    """A file in a tree: by its content, if `inline`, or else by the id of what is there already."""

    path: str
    blob: str
    inline: bool


@dataclass(frozen=True)
class Packed:
    """What is to be sent, in this order: blobs (id -> a path with that content), then trees, each on top of the one before."""

    blobs: Mapping[str, str]
    trees: list[list[Entry]]


def pack(write: Mapping[str, bytes], known: Collection[str]) -> Packed:
    """Spread files over requests. `known`: ids of blobs that the repository has."""
    ids: dict[str, str] = {}
    first: dict[str, str] = {}
    costs: dict[str, int] = {}
    for path in sorted(write):
        data = write[path]
        ids[path] = blob = blob_id(data)
        if blob in known or blob in first:
            continue
        first[blob] = path
        text = as_text(data) if len(data) <= INLINE_FILE_BYTES else None
        if text is not None and (cost := len(json.dumps(text)) + _ENTRY_BYTES) <= INLINE_TREE_BYTES:
            costs[blob] = cost
    firsts = {first[blob] for blob in costs}
    others = [path for path in ids if path not in firsts]
    bins = _bins(costs)
    named = {path for path in others if ids[path] not in costs}
    last = sum(costs[blob] for blob in bins[-1]) + sum(costs[ids[path]] for path in others if ids[path] in bins[-1])
    if last + _ENTRY_BYTES * len(others) > INLINE_TREE_BYTES:
        bins.append(set())
    trees = [[Entry(first[blob], blob, inline=True) for blob in sorted(filled)] for filled in bins]
    trees[-1] += [Entry(path, ids[path], inline=path not in named and ids[path] in bins[-1]) for path in others]
    return Packed({blob: path for blob, path in first.items() if blob not in costs}, trees)


def _bins(costs: Mapping[str, int]) -> list[set[str]]:
    """The contents in groups that fit a tree each; at least one group. The last is the emptiest: the small ones come last."""
    bins: list[set[str]] = [set()]
    filled = 0
    for blob, cost in sorted(costs.items(), key=lambda item: (-item[1], item[0])):
        if filled + cost > INLINE_TREE_BYTES:
            bins.append(set())
            filled = 0
        bins[-1].add(blob)
        filled += cost
    return bins


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
