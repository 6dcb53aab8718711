"""Entries of a metadata text to typed variables, and what is wrong with each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assay.recording.formats import Entry
from assay.recording.rules import Finding, finding
from assay.recording.schema import LabSchema, VariableSchema

_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Variable:
    """One variable of a session, as it is queried. `number` is None for a text, and for a number that cannot be read as one.

    `text` is the value as it was written; `unit` is the schema's; `known`: whether the schema has it.
    """

    name: str
    numeric: bool
    number: float | None
    text: str
    unit: str
    known: bool


def typed(entries: Iterable[Entry], schema: LabSchema) -> tuple[list[Variable], list[tuple[str, Finding]]]:
    """The variables of a session, and what is wrong with them as (key, finding without a file).

    A value that breaks a rule is kept too, so that it can be seen; sections that only state file sizes are no variables.
    """
    variables: list[Variable] = []
    found: list[tuple[str, Finding]] = []
    given = set()
    for entry in entries:
        if schema.file_sizes and entry.key.startswith(f"{schema.file_sizes}."):
            continue
        rules = schema.variables.get(entry.key)
        if rules is None:
            variables.append(Variable(entry.key, False, None, entry.value, "", False))
            known = ", ".join(sorted(schema.variables)) or "none"
            found.append((entry.key, _finding("recording.unknown-key", entry, entry.written, f"one of {known}")))
            continue
        if entry.value:
            given.add(entry.key)
            variable, problems = _typed(entry, rules)
            variables.append(variable)
            found.extend((entry.key, problem) for problem in problems)
    for name, rules in schema.variables.items():
        if rules.required and name not in given:
            found.append(
                (name, finding("recording.required-key", "", name, "", f"{_expected(rules)} ({schema.name} requires it)"))
            )
    return variables, found


def numeric(text: str) -> tuple[float, str] | None:
    """A number and the unit behind it, as in `3.5 Hz`; None when the text does not begin with a finite number."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    value = float(match[1])
    return (value, match[2].strip()) if math.isfinite(value) else None


def _typed(entry: Entry, rules: VariableSchema) -> tuple[Variable, list[Finding]]:
    if not rules.numeric:
        return Variable(rules.name, False, None, entry.value, rules.unit, True), list(_text_problems(entry, rules))
    read = numeric(entry.value)
    if read is None or (rules.whole and not read[0].is_integer()):
        problem = _finding("recording.type", entry, entry.value, _expected(rules), "A point parts the decimals, not a comma.")
        return Variable(rules.name, True, None, entry.value, rules.unit, True), [problem]
    value, unit = read
    if unit not in ("", rules.unit):
        rule = "recording.unit" if not unit[0].isdigit() and unit[0] not in ",;._" else "recording.type"
        problem = _finding(rule, entry, entry.value, _expected(rules))
        return Variable(rules.name, True, None, entry.value, rules.unit, True), [problem]
    return Variable(rules.name, True, value, entry.value, rules.unit, True), list(_range_problems(entry, rules, value))


def in_range(rules: VariableSchema, value: float) -> bool:
    """Whether a number lies within the schema's bounds."""
    return not (
        (rules.minimum is not None and value < rules.minimum)
        or (rules.maximum is not None and value > rules.maximum)
        or (rules.above is not None and value <= rules.above)
        or (rules.below is not None and value >= rules.below)
    )


def _range_problems(entry: Entry, rules: VariableSchema, value: float) -> Iterator[Finding]:
    if not in_range(rules, value):
        yield _finding("recording.range", entry, entry.value, _expected(rules))


def _text_problems(entry: Entry, rules: VariableSchema) -> Iterator[Finding]:
    value = entry.value
    fits = (
        (not rules.choices or value in rules.choices)
        and (not rules.pattern or re.search(rules.pattern, value) is not None)
        and len(value) >= rules.min_length
        and (rules.max_length is None or len(value) <= rules.max_length)
    )
    if not fits:
        yield _finding("recording.choice", entry, value, _expected(rules))


def _expected(rules: VariableSchema) -> str:
    """What a variable must be, in a few words: `a number from 0 to 10 in Hz`."""
    if not rules.numeric:
        parts = [f"one of {', '.join(rules.choices)}" if rules.choices else "a text"]
        if rules.pattern:
            parts.append(f"of the pattern {rules.pattern}")
        if rules.min_length or rules.max_length is not None:
            parts.append(
                f"of {rules.min_length} to {'any number of' if rules.max_length is None else rules.max_length} characters"
            )
        return " ".join(parts)
    parts = ["a whole number" if rules.whole else "a number"]
    for word, bound in (("from", rules.minimum), ("above", rules.above), ("to", rules.maximum), ("below", rules.below)):
        if bound is not None:
            parts.append(f"{word} {bound:g}")
    return " ".join([*parts, *([f"in {rules.unit}"] if rules.unit not in ("", "1") else [])])


def _finding(rule: str, entry: Entry, value: str, expected: str, advice: str = "") -> Finding:
    where = f"{entry.written} (line {entry.line})" if entry.line else entry.written
    return finding(rule, "", where, value, expected, advice)
