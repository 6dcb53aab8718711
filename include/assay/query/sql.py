"""A tree to SQL: the text of the statement is made of constants of ours alone, every name and value of the question is bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any as Anything

from assay.query.grammar import NotAQuestion
from assay.query.tree import All, Comparison, Node, Not, Operator

TEXT_FIELDS = {
    "session": "s.session",
    "lab": "s.subject",
    "folder": "(s.labels ->> 'folder')",
    "state": "s.state",
    "verdict": "s.verdict",
}
TIME_FIELDS = {"started": "s.started_at", "ended": "s.ended_at", "registered": "s.registered_at"}
_INDEXED = 100
"""Characters of a text that `variables_text_index` holds."""
METADATA = "meta."
"""`meta.lab` is the metadata variable `lab`, where a field of ours has the same name."""

_ORDERED = {
    Operator.LESS: "<",
    Operator.AT_MOST: "<=",
    Operator.MORE: ">",
    Operator.AT_LEAST: ">=",
}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?")


def condition(node: Node) -> tuple[str, dict[str, Anything]]:
    """The condition on `assay.sessions s` and its parameters (`q0`, ...). Raises NotAQuestion on a value of another type."""
    bound: dict[str, Anything] = {}

    def bind(value: Anything) -> str:
        name = f"q{len(bound)}"
        bound[name] = value
        return f":{name}"

    return _sql(node, bind), bound


def _sql(node: Node, bind: Callable[[Anything], str]) -> str:
    if isinstance(node, Comparison):
        return _comparison(node, bind)
    if isinstance(node, Not):
        return f"(NOT coalesce({_sql(node.inner, bind)}, false))"
    joint = " AND " if isinstance(node, All) else " OR "
    return f"({joint.join(_sql(part, bind) for part in node.parts)})"


def _comparison(one: Comparison, bind: Callable[[Anything], str]) -> str:
    if one.name in TEXT_FIELDS:
        return _text(TEXT_FIELDS[one.name], one, one.written if isinstance(one.value, float) else one.value, bind)
    if one.name in TIME_FIELDS:
        return _time(TIME_FIELDS[one.name], one, bind)
    name = bind(one.name.removeprefix(METADATA))
    head = f"EXISTS (SELECT FROM assay.variables v WHERE v.dataset = s.dataset AND v.session = s.session AND v.name = {name} AND "
    return f"{head}{_variable(one, bind)})"


def _variable(one: Comparison, bind: Callable[[Anything], str]) -> str:
    if isinstance(one.value, float):
        if one.operator in _ORDERED:
            return f"v.number {_ORDERED[one.operator]} {bind(one.value)}"
        if one.operator in (Operator.EQUAL, Operator.UNEQUAL):
            # Without a schema a number is kept as the text that it was written as.
            same = f"coalesce(v.number = {bind(one.value)}, v.text = {bind(one.written)})"
            return same if one.operator == Operator.EQUAL else f"NOT {same}"
    text = one.written if isinstance(one.value, float) else one.value
    if one.operator == Operator.EQUAL:
        # The index holds the first 100 characters. Where they are the whole value a second condition would say nothing more, and
        # the planner, which takes both for independent, would expect one row where there are thousands.
        value = bind(text)
        same = f"left(v.text, {_INDEXED}) = left({value}, {_INDEXED})"
        return same if len(text) < _INDEXED else f"{same} AND v.text = {value}"
    return _text("v.text", one, text, bind)


def _text(column: str, one: Comparison, value: str, bind: Callable[[Anything], str]) -> str:
    if one.operator == Operator.EQUAL:
        return f"{column} = {bind(value)}"
    if one.operator == Operator.UNEQUAL:
        return f"{column} <> {bind(value)}"
    if one.operator == Operator.CONTAINS:
        return f"strpos(lower({column}), lower({bind(value)})) > 0"
    if one.operator == Operator.LACKS:
        return f"strpos(lower({column}), lower({bind(value)})) = 0"
    raise NotAQuestion(
        f"query: {one.name} {one.operator} {one.written}: expected a number; texts are compared by =, !=, ~ and !~"
    )


def _time(column: str, one: Comparison, bind: Callable[[Anything], str]) -> str:
    signs = _ORDERED | {Operator.EQUAL: "=", Operator.UNEQUAL: "<>"}
    if one.operator not in signs or not _TIME.fullmatch(one.written.strip("\"'")):
        raise NotAQuestion(
            f"query: {one.name} {one.operator} {one.written}: expected a UTC time such as 2024-02-29 or 2024-02-29T15:12:21Z, "
            "compared by =, !=, <, <=, > or >="
        )
    try:
        moment = datetime.fromisoformat(one.written.strip("\"'").replace("Z", "+00:00"))
    except ValueError as error:
        raise NotAQuestion(f"query: {one.name} {one.operator} {one.written}: no real time ({error})") from None
    return f"{column} {signs[one.operator]} {bind(moment if moment.tzinfo else moment.replace(tzinfo=UTC))}"
