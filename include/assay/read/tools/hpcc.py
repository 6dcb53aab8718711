"""HPC Challenge's hpccoutf.txt -> GFLOPS of its HPL, and bandwidths of its STREAM. Samples in tests/data/hpcc/.

The numbers stand as `name=value` in the summary at the end. StarSTREAM is the mean of one process' copy on every core at the same
time, so it is multiplied by the number of processes.
"""

from __future__ import annotations

import re

from assay.errors import Unreadable
from assay.measurement import Execution, Measurement
from assay.read.tools._text import positive, whole_lines

TOOL = "hpcc"
BENCHMARK = "hpl"
OUTPUT = "hpccoutf.txt"

RULE = "#" * 72
BEGIN, END, LAST = "Begin of Summary section.", "End of Summary section.", "End of HPC Challenge tests."
VALIDATES, FAILED_VALIDATION = "Solution Validates:", "Failed Validation"
STREAM = {name: f"StarSTREAM_{name.capitalize()}" for name in ("copy", "scale", "add", "triad")}
LEAST_ARRAYS_TO_CACHES = 4

_RESIDUAL = re.compile(r"\|\|Ax-b\|\|_oo/\(eps\*.*\)= .* \.{6} (\w+)")
_TITLE = re.compile(r"This is the DARPA/DOE HPC Challenge Benchmark version \S+ .*")
_PAIR = re.compile(r"(\w+)=(.*)")


def read(raw: str, context: Execution) -> list[Measurement]:
    """`gflops` of HPL, with `solve_time` in seconds as a pass beside it; STREAM's four where its arrays are large enough.

    STREAM needs to know the caches: `llc_bytes` among the execution's details. Raises Unreadable unless there is exactly one run,
    complete, with `Success=1`, a residual that passed, and a solution that validates.
    """
    lines = whole_lines(raw, TOOL)
    if lines[0] != RULE or len(lines) < 2 or not _TITLE.fullmatch(lines[1]):
        raise Unreadable(f"line 1: found {lines[0][:40]!r}; expected the head of an hpcc output")
    summary = _summary(lines)
    _require_residual(lines)
    _require_validation(lines)
    processes = int(_value(summary, "CommWorldProcs"))
    order = int(_value(summary, "HPL_N"))
    found = [
        Measurement(BENCHMARK, "solve_time", _value(summary, "HPL_time"), "seconds", 0, order),
        Measurement(BENCHMARK, "gflops", 1e3 * _value(summary, "HPL_Tflops"), "GFLOPS", None, order),
    ]
    size = 8 * int(_value(summary, "STREAM_VectorSize"))
    rates = {name: _value(summary, key) for name, key in STREAM.items()}
    caches = context.details.get("llc_bytes")
    if isinstance(caches, int) and size * processes >= LEAST_ARRAYS_TO_CACHES * caches > 0:
        for name, rate in rates.items():
            found.append(Measurement("stream", f"{name}_bandwidth", processes * rate, "GB/s", None, size * processes))
    return found


def _summary(lines: list[str]) -> dict[str, tuple[int, str]]:
    """The pairs of the summary with their line numbers."""
    tail = lines[-5:]
    if tail[:2] != [RULE, LAST] or not tail[2].startswith("Current time") or tail[3:] != ["", RULE]:
        raise Unreadable(
            f"line {len(lines)}: found {lines[-1][:40]!r}; expected {LAST!r} and a line of '#' at the end: cut short"
        )
    for mark in (BEGIN, END, LAST):
        at = [number for number, line in enumerate(lines, 1) if line == mark]
        if len(at) != 1:
            raise Unreadable(
                f"line {(at or [len(lines)])[-1]}: {mark!r} stands {len(at)} times; expected once: cut, or two mixed"
            )
    first, last = lines.index(BEGIN) + 1, lines.index(END)
    if last != len(lines) - 6:
        raise Unreadable(f"line {last + 2}: found {lines[last + 1][:40]!r}; expected the end of the output after the summary")
    pairs: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines[first:last], first + 1):
        pair = _PAIR.fullmatch(line)
        if pair is None or pair[1] in pairs:
            raise Unreadable(f"line {number}: found {line[:60]!r}; expected a name that is new, '=' and a value")
        pairs[pair[1]] = (number, pair[2])
    number, shown = pairs.get("Success", (last, "nothing"))
    if shown != "1":
        raise Unreadable(f"line {number}: Success: found {shown!r}; expected 1")
    return pairs


def _require_residual(lines: list[str]) -> None:
    checks = [(number, found[1]) for number, line in enumerate(lines, 1) if (found := _RESIDUAL.fullmatch(line))]
    if len(checks) != 1:
        raise Unreadable(f"line {checks[1][0] if checks else len(lines)}: {len(checks)} residuals of HPL; expected one")
    number, outcome = checks[0]
    if outcome != "PASSED":
        raise Unreadable(f"line {number}: residual of HPL: found {outcome!r}; expected PASSED")


def _require_validation(lines: list[str]) -> None:
    """STREAM's own check, which the first process prints once for each of the subtests that it took part in."""
    for number, line in enumerate(lines, 1):
        if line.startswith(FAILED_VALIDATION):
            raise Unreadable(f"line {number}: found {line[:60]!r}; expected STREAM's arrays to hold what they must")
    if not any(line.startswith(VALIDATES) for line in lines):
        raise Unreadable(f"line {len(lines)}: {VALIDATES!r} stands nowhere; expected it of STREAM")


def _value(summary: dict[str, tuple[int, str]], name: str) -> float:
    if name not in summary:
        last = max((number for number, _ in summary.values()), default=1)
        raise Unreadable(f"line {last}: no {name} before it in the summary; expected every result of a complete run")
    number, text = summary[name]
    return positive(text, number, name)
