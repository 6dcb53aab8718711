"""What gauges share: the lines of a kernel's report as words. What is wrong with an output, its reader says later."""

from __future__ import annotations

from collections.abc import Mapping


def lines_of(outputs: Mapping[str, bytes], first: str) -> list[list[str]]:
    """The words of every line of stdout that begins with this one."""
    said = outputs["stdout.txt"].decode("ascii", "replace")
    return [words for line in said.splitlines() if (words := line.split())[:1] == [first]]
