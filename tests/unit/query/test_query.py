"""The grammar of questions, and that nothing of a question becomes text of a statement."""

from __future__ import annotations

import contextlib
import re

import pytest
from assay.query.grammar import MAX_CHARS, NotAQuestion, parse
from assay.query.sql import condition
from assay.query.tree import All, Any, Comparison, Not, Operator
from hypothesis import given
from hypothesis import strategies as st


def test_the_example_of_the_documentation() -> None:
    assert parse('fatigue>=3 and hardware_model~"X1"') == All(
        (Comparison("fatigue", Operator.AT_LEAST, 3.0, "3"), Comparison("hardware_model", Operator.CONTAINS, "X1", '"X1"'))
    )


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("a=1 or b=2 and c=3", "a=1 or (b=2 and c=3)"),
        ("NOT a=1 AND b=2", "(not a=1) and b=2"),
        ("not not a=1", "a=1"),
        ("a in (1)", "a=1"),
        ("a in (1, 'x', y)", "a=1 or a='x' or a=y"),
        ("a == 1", "a=1"),
        ("a<>1", "a!=1"),
        ("A = 1", "a=1"),
        ("((a=1))", "a=1"),
    ],
)
def test_precedence_and_spellings(text: str, same_as: str) -> None:
    assert condition(parse(text)) == condition(parse(same_as))


def test_numbers_texts_and_words() -> None:
    values = {text: parse(f"a={text}").value for text in ("3", "-2.5e3", '"3"', "X1", "2024-02-29", r"'it\'s'", "1.2.3")}  # type: ignore[union-attr]
    assert values == {
        "3": 3.0,
        "-2.5e3": -2500.0,
        '"3"': "3",
        "X1": "X1",
        "2024-02-29": "2024-02-29",
        r"'it\'s'": "it's",
        "1.2.3": "1.2.3",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a",
        "a=",
        "=1",
        "a=1 b=2",
        "a=1 and",
        "and=1",
        "(a=1",
        "a=1)",
        "a in ()",
        "a='x",
        "a=1; DROP TABLE assay.sessions",
        "a=1 -- x",
        "a=1\x00",
        "a=1\nor b=2",
        "(" * 11 + "a=1" + ")" * 11,
        " and ".join(["a=1"] * 21),
        "a=" + "x" * MAX_CHARS,
    ],
)
def test_what_is_no_question_is_told_with_the_place(text: str) -> None:
    with pytest.raises(NotAQuestion, match="query: "):
        parse(text)


@pytest.mark.parametrize("text", ["hardware~3 and fatigue<high", "lab<x", "started~2024", "started>=2024-02-30", "verdict>1x"])
def test_a_value_of_another_type_is_told(text: str) -> None:
    with pytest.raises(NotAQuestion, match=r"expected|no real time"):
        condition(parse(text))


def test_a_variable_that_is_named_like_a_field_is_reached_by_its_prefix() -> None:
    assert condition(parse("meta.lab=x"))[1]["q0"] == "lab"
    assert "variables" not in condition(parse("lab=x"))[0]


def test_not_is_a_node_of_its_own() -> None:
    assert isinstance(parse("not (a=1 or b=2)"), Not)
    assert isinstance(parse("a=1 or b=2"), Any)


WORDS = set(
    re.findall(
        r"\w+",
        "EXISTS SELECT FROM assay variables v WHERE dataset s AND session name number text left coalesce NOT OR strpos lower "
        "state subject labels folder verdict started_at ended_at registered_at false",
    )
)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_parsed_or_refused_and_never_pasted(name: str, value: str) -> None:
    for text in (f"{name}={value}", f'a="{value}"', f"{name} in ({value})", name + value):
        try:
            sql, bound = condition(parse(text))
        except NotAQuestion:
            continue
        words = set(re.findall(r"[^\W\d]\w*", sql))
        assert words <= WORDS | set(bound)


@pytest.mark.timeout(60)
def test_the_longest_question_is_answered() -> None:
    for text in ("(" * 10 + "a=1" + ")" * 10, "not " * 499 + "a=1", " or ".join(["a=1"] * 20), "a" * 2000, "(" * 2000):
        with contextlib.suppress(NotAQuestion):
            condition(parse(text))
