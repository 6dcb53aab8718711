"""What a question says: comparisons, joined by and, or and not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Operator(StrEnum):
    """How a value is compared. `~` contains, whatever the capitals; `!~` does not."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    CONTAINS = "~"
    LACKS = "!~"


@dataclass(frozen=True)
class Comparison:
    """A field or metadata variable compared with a number or a text; `written` is the value as it stood in the question."""

    name: str
    operator: Operator
    value: float | str
    written: str


@dataclass(frozen=True)
class Not:
    """What is not so; a variable that is not there makes a comparison false, so its negation true."""

    inner: Node


@dataclass(frozen=True)
class All:
    """Everything is so."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Any:
    """One of them is so."""

    parts: tuple[Node, ...]


Node: TypeAlias = Comparison | Not | All | Any


def comparisons(node: Node) -> list[Comparison]:
    """Every comparison of a tree, from left to right."""
    if isinstance(node, Comparison):
        return [node]
    if isinstance(node, Not):
        return comparisons(node.inner)
    return [one for part in node.parts for one in comparisons(part)]
