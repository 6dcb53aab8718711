"""stress-ng's pointer chase -> latency. Format: stress-ng(1), "--metrics"; recorded samples in tests/data/stress_ng/.

    stress-ng: metrc: [28913] ptr-chase            414.55 nanosec per pointer (harmonic mean of 1 instance)

stress-ng does not print the working set, so the execution says which level it stands for: `level` among its details.
"""

from __future__ import annotations

import re

from assay.errors import Unreadable
from assay.measurement import Execution, Measurement
from assay.read.tools._text import positive, whole_lines

TOOL = "stress-ng"
BENCHMARK = "cache_latency"

LEVELS = ("l1", "l2", "l3", "dram")

_LINE = re.compile(r"stress-ng: (info|metrc|warn|debug): {1,2}\[(\d+)\] (.*)")
_HOGS = re.compile(r"dispatching hogs: (\d+) (\S+)")
_LATENCY = re.compile(r"ptr-chase +(\S+) nanosec per pointer \(harmonic mean of (\d+) instances?\)")
_LAST = re.compile(r"successful run completed in .+ secs?")


def read(raw: str, context: Execution) -> list[Measurement]:
    """Latency of the execution's level in nanoseconds.

    Raises Unreadable unless the output is one whole, successful run of the pointer chase alone, whose figure stress-ng trusts.
    """
    said = _said(whole_lines(raw, TOOL))
    hogs = _one(said, _HOGS, "the line that names the stressors")
    if hogs[2] != "ptr-chase":
        raise Unreadable(f"line {_line(said, _HOGS)}: found the stressor {hogs[2][:40]!r}; expected ptr-chase alone")
    if not _LAST.fullmatch(said[-1][1]):
        raise Unreadable(
            f"line {said[-1][0]}: found {said[-1][1][:60]!r}; expected 'successful run completed': cut short or failed"
        )
    for count in ("failed", "metrics untrustworthy"):
        if _one(said, re.compile(rf"{count}: (\d+).*"), f"the number {count}")[1] != "0":
            raise Unreadable(f"line {_line(said, re.compile(rf'{count}: .*'))}: {count}: expected 0")
    found = _one(said, _LATENCY, "nanoseconds per pointer")
    if found[2] != hogs[1]:
        raise Unreadable(f"line {_line(said, _LATENCY)}: mean of {found[2]} instances; expected {hogs[1]}")
    level = context.details.get("level")
    if level not in LEVELS:
        raise Unreadable(
            f"the execution does not say which level it measured: found {level!r}; expected one of {', '.join(LEVELS)}"
        )
    value = positive(found[1], _line(said, _LATENCY), "nanoseconds per pointer")
    return [Measurement(BENCHMARK, f"{level}_latency", value, "nanoseconds", None, context.problem_size)]


def _said(lines: list[str]) -> list[tuple[int, str]]:
    """What one stress-ng said, with line numbers. Raises Unreadable for a line of another program or of another run."""
    said, run = [], None
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise Unreadable(f"line {number}: found {line[:60]!r}; expected a line of stress-ng")
        run = run or found[2]
        if found[2] != run:
            raise Unreadable(
                f"line {number}: of process {found[2]}; the lines before are of process {run}: two outputs are mixed"
            )
        said.append((number, found[3].strip()))
    return said


def _one(said: list[tuple[int, str]], pattern: re.Pattern[str], what: str) -> re.Match[str]:
    found = [match for _, text in said if (match := pattern.fullmatch(text))]
    if len(found) != 1:
        raise Unreadable(f"line {said[-1][0]}: {what} stands {len(found)} times; expected once")
    return found[0]


def _line(said: list[tuple[int, str]], pattern: re.Pattern[str]) -> int:
    return next(number for number, text in said if pattern.fullmatch(text))
