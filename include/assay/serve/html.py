"""HTML that cannot carry anybody's markup: every text that is put into an element is escaped, elements alone are not."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

_WITHOUT_CONTENT: Final = frozenset({"input", "img", "meta", "br", "link"})


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def tag(element: str, /, *children: str, **attributes: str | bool | None) -> Html:
    """An element. Children that are Html go in as they are, any other text escaped; so do the values of attributes.

    An attribute that is True stands without a value, one that is None or False is left out; `class_` and `for_` lose the mark.
    """
    shown = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        shown += f" {key.rstrip('_')}" + ("" if value is True else f'="{escape(str(value))}"')
    if element in _WITHOUT_CONTENT:
        return Html(f"<{element}{shown}>")
    return Html(f"<{element}{shown}>{join(children)}</{element}>")


def join(parts: Iterable[str]) -> Html:
    """The parts one after the other, escaped unless they are Html."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def page(title: str, style: str, *body: str) -> str:
    """A whole document. `style` is our own CSS."""
    head = (
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html(style)),
    )
    return f"<!doctype html>{tag('html', tag('head', *head), tag('body', *body), lang='en')}"
