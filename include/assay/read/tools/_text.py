"""What readers of other people's programs share: whole lines, numbers within bounds, errors with the line number."""

from __future__ import annotations

import math
import re

from assay.errors import Unreadable

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,4})?")


def whole_lines(raw: str, program: str) -> list[str]:
    """The lines of an output. Raises Unreadable if it is empty or ends in the middle of a line."""
    if not raw.strip():
        raise Unreadable(f"line 1: the file is empty; expected the output of {program}")
    lines = raw.split("\n")
    if lines.pop() != "":
        raise Unreadable(f"line {len(lines) + 1}: cut short in the middle of a line; expected the whole output of {program}")
    return lines


def positive(text: str, line: int, what: str) -> float:
    """A finite number greater than zero. Raises Unreadable with the line number."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if math.isfinite(value) and value > 0:
        return value
    raise Unreadable(f"line {line}: {what}: found {text[:40]!r}; expected a number greater than zero")
