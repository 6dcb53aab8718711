"""How a commit message, a question and a summary count and list: never longer than a bound, whatever the dataset's size."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from itertools import islice


def counted(number: int, what: str) -> str:
    """A number and its noun: `1 type`, `2 types`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def first_lines(lines: Iterable[str], most: int, count: int | None = None) -> tuple[str, ...]:
    """The first lines, then how many more there are. With `count`, that of all, a generator is read no further than needed."""
    shown, more = _first(lines, most, count)
    return (*shown, f"and {more} more") if more else tuple(shown)


def in_a_row(texts: Iterable[str], most: int, count: int | None = None, *, between: str = ", ") -> str:
    """The first texts in one line: `a, b and 3 more`; `count` as for `first_lines`."""
    shown, more = _first(texts, most, count)
    return between.join(shown) + (f" and {more} more" if more else "")


def _first(texts: Iterable[str], most: int, count: int | None) -> tuple[list[str], int]:
    if count is None:
        texts = texts if isinstance(texts, Sized) else list(texts)
        count = len(texts)
    return list(islice(texts, most)), max(count - most, 0)
