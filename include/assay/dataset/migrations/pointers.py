"""JSON pointers (RFC 6901) into decoded documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def pointer(path: Sequence[str | int]) -> str:
    """The pointer to a path of keys and positions."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def parts(text: str) -> list[str]:
    """The keys of a pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def find(document: Any, path: Sequence[str | int]) -> Any:
    """What stands at a path. Raises LookupError where nothing does."""
    for part in path:
        document = document[int(part) if isinstance(document, list) else part]
    return document


def take(document: Any, path: Sequence[str | int]) -> Any:
    """Remove the field of an object that a path leads to, and give it. Raises LookupError where there is none."""
    return find(document, path[:-1]).pop(path[-1])


def put(document: Any, path: Sequence[str | int], value: Any) -> None:
    """Set the field of an object that a path leads to. Raises LookupError where the object is not there."""
    find(document, path[:-1])[path[-1]] = value
