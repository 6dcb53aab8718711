"""What every reader of a task's output shares: text and numbers from untrusted bytes, and what a reader gives back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from assay.measurement import Execution, Measurement
from assay.read.claims import problem
from assay.read.content import Problem

STDOUT = "stdout"
MAX_LINES = 100_000
"""No known task prints more lines than this, openssl on the largest machine included."""

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,3})?")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


class Spoilt(Exception):
    """The output cannot be read as a whole; the problem says where and why."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found


@dataclass(slots=True)
class Output:
    """What a reader found: numbers with the execution and the file that they belong to, facts of the machine, warnings.

    `proven`: the output shows by itself that it is whole, so that a size other than the recorded one is no sign of a cut.
    """

    run: Execution
    numbers: list[tuple[Execution, Measurement, str]] = field(default_factory=list)
    profile: dict[str, Any] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    proven: bool = True


def spoilt(rule: str, file: str, found: object, expected: str, what: str = "") -> Spoilt:
    """A Spoilt to raise, of the rule `reading.<rule>`."""
    return Spoilt(problem(f"reading.{rule}", file, found, expected, what))


def text(files: Mapping[str, bytes], name: str = STDOUT) -> str:
    """A file as text. Raises Spoilt where it is missing, empty or not UTF-8."""
    raw = files.get(name)
    if raw is None:
        raise spoilt("missing-file", name, "no such file", "the output of the task")
    if not raw.strip():
        raise spoilt("incomplete-result", name, "an empty file", "the output of the task")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise spoilt("unreadable", name, f"byte {error.start} is no UTF-8", "text") from None


def lines(files: Mapping[str, bytes], name: str = STDOUT) -> list[str]:
    """The lines of a table that ends with a whole line. Raises Spoilt as `text`, and where the last line is cut."""
    content = text(files, name)
    found = content.split("\n")
    if len(found) > MAX_LINES:
        raise spoilt("unreadable", name, f"{len(found)} lines", f"at most {MAX_LINES}")
    if found[-1] != "":
        raise spoilt("truncated-output", name, f"last line {found[-1]!r} without its end", "a whole line")
    return [line.rstrip("\r") for line in found[:-1]]


def number(shown: str) -> float | None:
    """A decimal number as tools print it; None for anything else, for what is not finite and for other alphabets' digits."""
    if not shown.isascii() or _NUMBER.fullmatch(shown) is None:
        return None
    value = float(shown)
    return value if isfinite(value) else None


def whole(shown: str) -> int | None:
    """A count from 0 to 2^31; None for anything else."""
    return int(shown) if shown.isascii() and shown.isdigit() and len(shown) <= 10 and int(shown) < 2**31 else None


def metric_name(*parts: str) -> str:
    """Words as a metric's name: lower case, everything else than letters and digits as one underscore."""
    return _NOT_IN_NAMES.sub("_", "_".join(parts).lower()).strip("_")
