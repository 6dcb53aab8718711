"""The form that the kernels of our own agent print: words and numbers line by line, then a line that counts and checks them all.

assay-stream 1
...
end assay-stream lines 31 crc32 0af1c2d3
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from assay.errors import Unreadable

_LAST_LINE = re.compile(r"end (\S+) lines (\d{1,9}) crc32 ([0-9a-f]{8})")

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Line:
    """A line of a report: its number in the file, from 1, and its words."""

    number: int
    words: Sequence[str]

    def fail(self, expected: str) -> Unreadable:
        """The error that says what stands here and what was expected."""
        return Unreadable(f"line {self.number}: found {' '.join(self.words)[:80]!r}; expected {expected}")

    def whole(self, at: int, least: int = 0) -> int:
        """The whole number at this place among the words."""
        return self._number(at, int, least, r"\d{1,19}")

    def real(self, at: int) -> float:
        """The finite number, 0 or more, at this place among the words."""
        return self._number(at, float, 0.0, r"\d{1,30}(?:\.\d{1,30})?(?:e[+-]?\d{1,4})?")

    def _number(self, at: int, form: Callable[[str], Number], least: Number, pattern: str) -> Number:
        if at < len(self.words) and re.fullmatch(pattern, self.words[at]):
            value = form(self.words[at])
            if math.isfinite(value) and value >= least:
                return value
        raise self.fail(f"a number of {least} or more as word {at + 1}")


class Report:
    """A whole report, taken line by line in the order in which it was printed."""

    def __init__(self, raw: str, kernel: str, version: str) -> None:
        """Raises Unreadable if it is empty, of another program or version, cut short, or changed."""
        self._lines = _checked(raw, kernel)
        self._next = 0
        first = self.take(kernel)
        if list(first.words) != [kernel, version]:
            raise first.fail(f"{kernel} {version}, the version that this reader knows")

    def take(self, *words: str) -> Line:
        """The next line, which must begin with these words."""
        if self._next >= len(self._lines):
            raise Unreadable(f"line {len(self._lines) + 1}: found the end of the report; expected {' '.join(words)!r}")
        line = self._lines[self._next]
        if tuple(line.words[: len(words)]) != words:
            raise line.fail(f"a line that begins with {' '.join(words)!r}")
        self._next += 1
        return line

    def while_first(self, word: str) -> list[Line]:
        """The lines that follow and begin with this word; there may be none."""
        found = []
        while self._next < len(self._lines) and self._lines[self._next].words[:1] == [word]:
            found.append(self.take(word))
        return found

    def done(self) -> None:
        """Raises Unreadable if a line was not taken."""
        if self._next < len(self._lines):
            raise self._lines[self._next].fail("the end of the report")


def _checked(raw: str, kernel: str) -> list[Line]:
    if not raw.strip():
        raise Unreadable(f"line 1: the file is empty; expected the output of {kernel}")
    lines = raw.split("\n")
    if lines.pop() != "":
        raise Unreadable(f"line {len(lines) + 1}: cut short in the middle of a line; expected the whole output of {kernel}")
    if lines[0].split(" ", 1)[0] != kernel:
        raise Unreadable(f"line 1: found {lines[0][:80]!r}; expected the output of {kernel}")
    last = _LAST_LINE.fullmatch(lines[-1])
    if last is None or last[1] != kernel:
        raise Unreadable(f"line {len(lines)}: found {lines[-1][:80]!r}; expected the last line 'end {kernel} ...': cut short")
    body = lines[:-1]
    if int(last[2]) != len(body):
        raise Unreadable(
            f"line {len(lines)}: {len(body)} lines stand before it; expected {last[2]}: mixed with other output, or cut"
        )
    found = zlib.crc32("".join(f"{line}\n" for line in body).encode("utf-8", "surrogatepass"))
    if found != int(last[3], 16):
        raise Unreadable(f"line {len(lines)}: CRC-32 {found:08x}; expected {last[3]}: the output was changed, or two were mixed")
    return [Line(number, line.split(" ")) for number, line in enumerate(body, 1)]
