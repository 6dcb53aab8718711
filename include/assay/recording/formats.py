"""Metadata text to entries: `key: value`, `key=value`, INI, JSON and YAML.

Every value stays the text that was written: the lab's schema says what is a number. So `no` is no boolean, `1:30` no number of
minutes and `007` no 7, whatever the format. Nested keys are joined with dots, a list of plain values with `, `.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

MAX_KEYS = 1_000
MAX_KEY_CHARS = 100
MAX_VALUE_CHARS = 2_000
MAX_DEPTH = 5

_SECTION = re.compile(r"\[([^\[\]]+)\]")
_SEPARATOR = re.compile(r"[:=]")
_YAML_NULL = frozenset({"~", "null", "Null", "NULL"})
_BETWEEN = re.compile(r"[\s\-]+")


class Format(StrEnum):
    """How a metadata text is written."""

    LINES = "key: value"
    JSON = "JSON"
    YAML = "YAML"


@dataclass(frozen=True)
class Entry:
    """One key and its value. `key`: as it is queried; `written`: as it was written; `line`: from 1, 0 where it is not known."""

    key: str
    written: str
    value: str
    line: int = 0


@dataclass(frozen=True)
class Problem:
    """What could not be read, and where; `key` may be empty."""

    line: int
    key: str
    found: str
    expected: str


@dataclass(frozen=True)
class Text:
    """A metadata text as read: what could be, and what could not."""

    format: Format
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    repeated: tuple[Entry, ...]
    """Entries whose key stood there before; the first is among `entries`."""


class _Unreadable(ValueError):
    def __init__(self, line: int, found: str, expected: str) -> None:
        super().__init__(found)
        self.problem = Problem(line, "", found, expected)


def key_of(written: str) -> str:
    """A key as it is queried: lower case, with `_` for blanks and dashes: `Hardware Model` is `hardware_model`."""
    return _BETWEEN.sub("_", unicodedata.normalize("NFKC", written).casefold().strip())


def read_text(text: str, name: str) -> Text:
    """The entries of a metadata text. The format is told by the suffix of the file's name, else by the text.

    Never raises: what cannot be read is among the problems, with its line.
    """
    form = _format(text, name)
    read = {Format.JSON: _json, Format.YAML: _yaml, Format.LINES: _lines}[form]
    entries: dict[str, Entry] = {}
    repeated: list[Entry] = []
    problems: list[Problem] = []
    try:
        for found in read(text):
            problem = found if isinstance(found, Problem) else _beyond_limits(found)
            if problem is not None:
                problems.append(problem)
            elif isinstance(found, Entry):
                if found.key in entries:
                    repeated.append(found)
                else:
                    entries[found.key] = found
            if len(entries) + len(repeated) + len(problems) > MAX_KEYS:
                problems.append(Problem(0, "", f"more than {MAX_KEYS} keys", f"at most {MAX_KEYS}"))
                break
    except _Unreadable as error:
        problems.append(error.problem)
    return Text(form, tuple(entries.values()), tuple(problems), tuple(repeated))


def _format(text: str, name: str) -> Format:
    suffix = name.rpartition(".")[2].lower()
    if suffix == "json":
        return Format.JSON
    if suffix in ("yaml", "yml"):
        return Format.YAML
    start = text.lstrip()
    if suffix not in ("ini", "cfg") and start.startswith("{"):
        return Format.JSON
    if suffix not in ("ini", "cfg") and (start.startswith("---\n") or start.startswith("%YAML")):
        return Format.YAML
    return Format.LINES


def _beyond_limits(entry: Entry) -> Problem | None:
    if not entry.key or len(entry.key) > MAX_KEY_CHARS:
        return Problem(entry.line, entry.written[:MAX_KEY_CHARS], entry.written, f"a key of 1 to {MAX_KEY_CHARS} characters")
    if len(entry.value) > MAX_VALUE_CHARS:
        return Problem(
            entry.line, entry.key, f"{len(entry.value)} characters", f"a value of at most {MAX_VALUE_CHARS} characters"
        )
    for text in (entry.written, entry.value):
        if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n" for char in text):
            return Problem(entry.line, entry.key, text, "text without control characters")
    return None


def _entry(path: tuple[str, ...], value: str, line: int = 0) -> Entry:
    return Entry(".".join(key_of(part) for part in path), ".".join(part.strip() for part in path), value.strip(), line)


def _lines(text: str) -> Iterator[Entry | Problem]:
    """`key: value` and `key=value`, in `[sections]` or without; `#` and `;` begin a comment line."""
    section: tuple[str, ...] = ()
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if header := _SECTION.fullmatch(line):
            section = (header[1],)
            continue
        separator = _SEPARATOR.search(line)
        if separator is None or not line[: separator.start()].strip():
            yield Problem(number, "", line, "`key: value` or `key=value`")
        else:
            yield _entry((*section, line[: separator.start()]), line[separator.end() :], number)


def _json(text: str) -> Iterator[Entry | Problem]:
    try:
        # Numbers stay as they were written; a key that occurs twice stays too.
        document = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise _Unreadable(error.lineno, f"{error.msg} at column {error.colno}", "a JSON object") from None
    except RecursionError:
        raise _Unreadable(0, "nesting without end", f"a JSON object, nested {MAX_DEPTH} deep at most") from None
    if not isinstance(document, _Pairs):
        raise _Unreadable(1, type(document).__name__, "a JSON object")
    yield from _walk_json(document, ())


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with every key that it has."""


def _walk_json(pairs: _Pairs, path: tuple[str, ...]) -> Iterator[Entry | Problem]:
    for key, value in pairs:
        at = (*path, key)
        if isinstance(value, _Pairs):
            if not value:
                yield _entry(at, "")
            elif len(at) >= MAX_DEPTH:
                yield Problem(0, ".".join(at)[:MAX_KEY_CHARS], "an object", f"nesting of at most {MAX_DEPTH}")
            else:
                yield from _walk_json(value, at)
        elif isinstance(value, list):
            if any(isinstance(one, list) for one in value):  # _Pairs is a list too
                yield Problem(0, ".".join(at)[:MAX_KEY_CHARS], "a list of lists or objects", "a list of plain values")
            else:
                yield _entry(at, ", ".join(_json_text(one) for one in value))
        else:
            yield _entry(at, _json_text(value))


def _json_text(value: object) -> str:
    return {None: "", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)


class _NoAliases(yaml.BaseLoader):
    """Scalars stay text, and no alias is followed: a few lines of them unfold into gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _Unreadable(event.start_mark.line + 1, f"the alias *{event.anchor}", "every value written out")
        return super().compose_node(parent, index)


def _yaml(text: str) -> Iterator[Entry | Problem]:
    try:
        node = yaml.compose(text, Loader=_NoAliases)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Unreadable(mark.line + 1 if mark else 0, error.problem or "no YAML", "a YAML mapping") from None
    except yaml.YAMLError as error:
        raise _Unreadable(0, str(error).split("\n")[0], "a YAML mapping") from None
    except RecursionError:
        raise _Unreadable(0, "nesting without end", f"a YAML mapping, nested {MAX_DEPTH} deep at most") from None
    if node is None:
        return
    if not isinstance(node, yaml.MappingNode):
        raise _Unreadable(node.start_mark.line + 1, f"a {_kind(node)}", "a YAML mapping")
    yield from _walk_yaml(node, ())


def _walk_yaml(node: yaml.MappingNode, path: tuple[str, ...]) -> Iterator[Entry | Problem]:
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            yield Problem(line, "", f"a {_kind(key)} as a key", "a plain key")
            continue
        at = (*path, key.value)
        if isinstance(value, yaml.ScalarNode):
            empty = value.style is None and value.value in _YAML_NULL
            yield _entry(at, "" if empty else value.value, line)
        elif isinstance(value, yaml.SequenceNode) and all(isinstance(one, yaml.ScalarNode) for one in value.value):
            yield _entry(at, ", ".join(one.value for one in value.value), line)
        elif isinstance(value, yaml.MappingNode) and not value.value:
            yield _entry(at, "", line)
        elif isinstance(value, yaml.MappingNode) and len(at) < MAX_DEPTH:
            yield from _walk_yaml(value, at)
        else:
            yield Problem(line, ".".join(at)[:MAX_KEY_CHARS], f"a {_kind(value)}", "plain values, lists of them, or less nesting")


def _kind(node: yaml.Node) -> str:
    return "mapping" if isinstance(node, yaml.MappingNode) else "list" if isinstance(node, yaml.SequenceNode) else "plain value"
