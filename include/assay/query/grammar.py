"""A question as text to a tree, by a grammar (pyparsing). Bounded: a question from outside cannot take long.

question   := term ("or" term)*
term       := factor ("and" factor)*
factor     := "not"* ( "(" question ")" | comparison )
comparison := name operator value | name "in" "(" value ("," value)* ")"
operator   := = == != <> < <= > >= ~ !~
value      := number | 'text' | "text" | word
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any as Anything

import pyparsing as pp

from assay.errors import AssayError
from assay.query.tree import All, Any, Comparison, Node, Not, Operator, comparisons

MAX_CHARS = 2_000
MAX_DEPTH = 10
MAX_COMPARISONS = 20

_SPELLINGS = {"==": "=", "<>": "!="}
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


class NotAQuestion(AssayError):
    """The text does not follow the grammar, or asks for more than is answered."""


def parse(text: str) -> Node:
    """The tree of a question. Raises NotAQuestion, with the place and what was expected there."""
    if len(text) > MAX_CHARS:
        raise NotAQuestion(f"query: found {len(text)} characters; expected at most {MAX_CHARS}")
    if "\x00" in text or not text.isprintable():
        raise NotAQuestion("query: found a character that cannot be printed; expected one line of text")
    if _depth(text) > MAX_DEPTH:
        raise NotAQuestion(f"query: found parentheses more than {MAX_DEPTH} deep; write it flatter")
    try:
        tree: Node = _GRAMMAR.parse_string(text, parse_all=True)[0]
    except pp.ParseException as error:
        found = text[error.loc : error.loc + 20] or "its end"
        raise NotAQuestion(
            f'query: at character {error.loc + 1}: found {found!r}; expected such as fatigue>=3 and hardware_model~"X1"'
        ) from None
    count = len(comparisons(tree))
    if count > MAX_COMPARISONS:
        raise NotAQuestion(f"query: found {count} comparisons; expected at most {MAX_COMPARISONS}")
    return tree


def _depth(text: str) -> int:
    deepest = depth = 0
    for char in _QUOTED.sub("", text):
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    return deepest


def _value(written: str) -> float | str:
    return float(written) if _NUMBER.fullmatch(written) else written


def _comparison(tokens: Anything) -> Comparison:
    name, operator, (value, written) = tokens
    return Comparison(name.lower(), Operator(_SPELLINGS.get(operator, operator)), value, written)


def _listed(tokens: Anything) -> Node:
    name, *values = tokens
    found = tuple(Comparison(name.lower(), Operator.EQUAL, value, written) for value, written in values)
    return found[0] if len(found) == 1 else Any(found)


def _negated(tokens: Anything) -> Node:
    *nots, inner = tokens
    node: Node = inner
    return Not(node) if len(nots) % 2 else node


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _words() -> Iterator[pp.ParserElement]:
    for word in ("and", "or", "not", "in"):
        yield pp.CaselessKeyword(word)


def _grammar() -> pp.ParserElement:
    and_, or_, not_, in_ = _words()
    question = pp.Forward()
    name = ~(and_ | or_ | not_ | in_) + pp.Regex(r"[^\W\d][\w.-]{0,99}")
    operator = pp.one_of("<= >= == != <> !~ < > = ~")
    quoted = pp.Regex(_QUOTED.pattern).set_parse_action(lambda found: [(_unquoted(found[0]), found[0])])
    word = pp.Regex(r"[^\s()\"'=<>!~,]{1,500}").set_parse_action(lambda found: [(_value(found[0]), found[0])])
    value = quoted | word
    open_, close, comma = pp.Suppress("("), pp.Suppress(")"), pp.Suppress(",")
    listed = (name + pp.Suppress(in_) + open_ + value + (comma + value)[...] + close).set_parse_action(_listed)
    comparison = (name + operator + value).set_parse_action(_comparison)
    factor = (not_[...] + ((open_ + question + close) | listed | comparison)).set_parse_action(_negated)
    term = (factor + (pp.Suppress(and_) + factor)[...]).set_parse_action(
        lambda found: found[0] if len(found) == 1 else All(tuple(found))
    )
    question <<= (term + (pp.Suppress(or_) + term)[...]).set_parse_action(
        lambda found: found[0] if len(found) == 1 else Any(tuple(found))
    )
    return question


_GRAMMAR = _grammar()
