"""Two streams in the order of their keys, side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from assay.database.expected import Expected
from assay.errors import StorageError
from assay.storage import StoredObject

Pair = tuple[Expected | None, StoredObject | None]
Item = TypeVar("Item", Expected, StoredObject)


def side_by_side(expected: Iterable[Expected], stored: Iterable[StoredObject]) -> Iterator[Pair]:
    """What has the same key together, what only one of them has with None. Holds one of each at a time.

    Raises StorageError where a stream is not in the order of the keys' UTF-8 bytes: nothing could be said then.
    """
    ours, theirs = _ordered(expected, "the database"), _ordered(stored, "the store")
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.key < other.key):
            yield one, None
            one = next(ours, None)
        elif one is None or other.key < one.key:
            yield None, other
            other = next(theirs, None)
        else:
            yield one, other
            one, other = next(ours, None), next(theirs, None)


def _ordered(items: Iterable[Item], whose: str) -> Iterator[Item]:
    last: Item | None = None
    for item in items:
        # Python compares texts by code points, which is the order of their UTF-8 bytes.
        if last is not None and item.key <= last.key:
            raise StorageError(
                f"{whose} lists {item.key!r} after {last.key!r}; expected keys in the order of their bytes, once each"
            )
        last = item
        yield item
