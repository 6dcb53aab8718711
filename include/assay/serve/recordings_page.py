"""Recording sessions as a page: from what the ledger holds to HTML. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from assay.database.session_cards import Card, Note, Picture
from assay.serve.html import Html, join, page, tag
from assay.serve.place import as_word

TITLE = "Recordings"
PAGE_SIZE = 25
MOST_LISTED = 10
MOST_VARIABLES = 40
MOST_CHARS = 300
FAILURE_DAYS = 7
"""For so long a failure that a lab machine reported is shown."""

_SORTS = {
    "-started": "newest first",
    "started": "oldest first",
    "-registered": "last arrived first",
    "registered": "first arrived first",
}
_EXAMPLES = ('fatigue>=3 and hardware_model~"X1"', "verdict=quarantined", "started>=2024-02-01 and not lab=sleep-lab")

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #0369a1; --back: #fff; --faint: #57606a;
  --good: #15803d; --warn: #b45309; --bad: #b91c1c; --wait: #4b5563; }
@media (prefers-color-scheme: dark) { :root { --link: #7dd3fc; --back: #14181f; --faint: #a3adba;
  --good: #4ade80; --warn: #fbbf24; --bad: #fca5a5; --wait: #cbd5e1; } }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; padding: 0 1.5rem; max-width: 78rem; background: var(--back); }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; } h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; } a { color: var(--link); }
form { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; margin: 1rem 0 .4rem; }
label { display: grid; font-size: .85rem; gap: .2rem; } label.wide { flex: 1 1 22rem; }
input, select, button { font: inherit; padding: .4rem .55rem; border: 1px solid var(--line); border-radius: 5px;
  background: var(--soft); color: inherit; width: 100%; min-height: 2.4rem; } button { width: auto; cursor: pointer; }
input { font-family: ui-monospace, monospace; font-size: .92em; } select option { background: var(--back); }
article, aside { border: 1px solid var(--line); border-radius: 8px; margin: .8rem 0; padding: .8rem 1rem; }
article { display: grid; gap: .2rem 1.2rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 50rem) { article.pictured { grid-template-columns: minmax(0, 1fr) minmax(0, 26rem); } }
header { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: center; }
.badge { border: 1px solid currentColor; border-radius: 99px; padding: .05rem .6rem; font-size: .82rem; font-weight: 600; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .wait { color: var(--wait); }
.faint { color: var(--faint); } code { font-family: ui-monospace, monospace; font-size: .88em; overflow-wrap: anywhere; }
p { margin: .35rem 0; } ul { margin: .35rem 0; padding-left: 1.1rem; } li { overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .3rem .5rem; margin: .5rem 0; }
dl div { background: var(--soft); border-radius: 5px; padding: .1rem .5rem; font-size: .88rem; max-width: 100%; }
dt, dd { display: inline; margin: 0; overflow-wrap: anywhere; } dt::after { content: " "; } dt { color: var(--faint); }
.examples { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; padding: 0; }
.unknown { outline: 1px dashed var(--warn); outline-offset: -1px; }
figure { margin: 0; min-width: 0; } figure + figure { margin-top: .6rem; }
figure img { display: block; width: 100%; height: 8.5rem; object-fit: cover; object-position: left top; background: #fff;
  border: 1px solid var(--line); border-radius: 5px; }
figcaption { font-size: .82rem; overflow-wrap: anywhere; } nav { display: flex; gap: 1rem; margin: 1rem 0; }
@media (max-width: 40rem) { body { padding: 0 .8rem; margin: .8rem auto; } button { flex: 1 1 100%; }
  article { padding: .7rem .8rem; } }
"""


@dataclass(frozen=True)
class Asked:
    """What the reader of the page asked for: dataset, question, order, and behind which session the page begins."""

    dataset: str
    query: str = ""
    sort: str = ""
    after: str = ""

    def of(self, **changes: str) -> Asked:
        """The same with other parts."""
        return replace(self, **changes)

    def address(self) -> str:
        """Where the page is."""
        wanted = {"dataset": self.dataset, "q": self.query, "sort": self.sort, "after": self.after}
        return "?" + urlencode({name: value for name, value in wanted.items() if value})


@dataclass(frozen=True)
class Shown:
    """Everything that the page says: rows of `find_sessions`, the card of each, what is on its way, and what failed."""

    asked: Asked
    datasets: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    more: bool
    cards: Mapping[str, Card]
    coming: Sequence[Mapping[Any, Any]] = ()
    failures: Sequence[Mapping[Any, Any]] = ()
    problem: str = ""
    """Why the question cannot be answered; empty if it can."""


def recordings_html(shown: Shown) -> str:
    """The page: a form with the question, what is on its way, and the sessions with metadata, verdict, reasons and pictures."""
    asked = shown.asked
    return page(
        TITLE,
        STYLE,
        tag("h1", TITLE),
        tag(
            "p",
            "Sessions of labs, from the moment that they have arrived whole. What is in quarantine is kept, with the reason. ",
            tag("code", "assay fetch"),
            " brings the files of the sessions that answer a question.",
        ),
        _form(shown),
        _examples(asked),
        *_aside("Reported by lab machines", "bad", [_failure(row) for row in shown.failures], f"in the last {FAILURE_DAYS} days"),
        *_aside("On their way", "wait", [_coming(row) for row in shown.coming], "announced, and not complete"),
        *([tag("p", shown.problem, class_="bad", role="alert")] if shown.problem else []),
        tag("main", *(_article(asked, row, shown.cards[row["session"]]) for row in shown.rows)),
        *([] if shown.rows or shown.problem else [tag("p", _nothing(asked), class_="faint")]),
        _pages(shown),
    )


def _form(shown: Shown) -> Html:
    asked = shown.asked
    datasets = dict.fromkeys((*shown.datasets, asked.dataset))
    box = tag(
        "input",
        type="search",
        name="q",
        value=asked.query,
        placeholder=_EXAMPLES[0],
        maxlength="2000",
        autocomplete="off",
        spellcheck="false",
    )
    return tag(
        "form",
        tag("label", "question", box, class_="wide"),
        _select("dataset", {name: name for name in datasets}, asked.dataset),
        _select("sort", _SORTS, asked.sort),
        tag("button", "Show", type="submit"),
        method="get",
    )


def _select(name: str, options: Mapping[str, str], chosen: str) -> Html:
    shown = (tag("option", text, value=value, selected=value == chosen) for value, text in options.items())
    return tag("label", name, tag("select", *shown, name=name))


def _examples(asked: Asked) -> Html:
    links = (tag("li", tag("a", tag("code", text), href=asked.of(query=text, after="").address())) for text in _EXAMPLES)
    return tag("ul", *links, class_="examples")


def _aside(title: str, colour: str, lines: Sequence[Html], said: str) -> list[Html]:
    if not lines:
        return []
    more = tag("p", "and maybe more", class_="faint") if len(lines) >= MOST_LISTED else ""
    return [tag("aside", tag("h2", title, class_=colour), tag("p", said, class_="faint"), tag("ul", *lines), more)]


def _failure(row: Mapping[Any, Any]) -> Html:
    return tag("li", _time(row["at"]), f" {row['lab']}: {_short(row['detail'])}")


def _coming(row: Mapping[Any, Any]) -> Html:
    return tag("li", tag("code", row["session"]), f" of {row['lab']}, announced ", _time(row["announced_at"]))


def _article(asked: Asked, row: Mapping[str, Any], card: Card) -> Html:
    standing, colour = _standing(row)
    ended = f"{_duration(row['started_at'], row['ended_at'])}, arrived "
    parts = [
        tag("h2", row["folder"] or row["session"]),
        tag("span", standing, class_=f"badge {colour}"),
        tag("span", row["lab"]),
    ]
    files = f"{row['files']} {'file' if row['files'] == 1 else 'files'}, {_size(row['bytes'])}"
    facts = tag(
        "p",
        *(_time(row["started_at"]), ", ", ended, _time(row["registered_at"])),
        tag("br"),
        f"{files}; {card.made} made of them · ",
        tag("code", row["session"]),
        class_="faint",
    )
    pictures = [_figure(asked, row["session"], picture) for picture in card.pictures]
    if card.picture_count > len(card.pictures):
        pictures.append(tag("p", f"and {card.picture_count - len(card.pictures)} more", class_="faint"))
    told = tag("div", tag("header", *parts), facts, _variables(row["metadata"]), _notes(card))
    both = [told, *([tag("div", *pictures)] if pictures else [])]
    return tag("article", *both, id=row["session"], class_="pictured" if pictures else None)


def _standing(row: Mapping[str, Any]) -> tuple[str, str]:
    verdict = row["verdict"]
    if verdict is None:
        return str(row["state"]), "wait"
    return str(verdict), {"accepted": "good", "accepted with warnings": "warn"}.get(verdict, "bad")


def _variables(metadata: Mapping[str, Mapping[str, Any]]) -> Html:
    named = sorted(metadata.items())
    shown = [
        tag(
            "div",
            tag("dt", name),
            tag("dd", _short(_value(about))),
            class_=None if about["known"] else "unknown",
            title=None if about["known"] else "the lab's schema does not have it",
        )
        for name, about in named[:MOST_VARIABLES]
    ]
    more = [tag("div", f"and {len(named) - MOST_VARIABLES} more")] if len(named) > MOST_VARIABLES else []
    return tag("dl", *shown, *more) if shown else tag("p", "no metadata read", class_="faint")


def _value(about: Mapping[str, Any]) -> str:
    value = about["value"]
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {about['unit']}" if about["unit"] not in ("", "1") else text


def _notes(card: Card) -> Html:
    more = card.note_count - len(card.notes)
    rest = [tag("li", f"and {more} more: assay quarantine show", class_="faint")] if more > 0 else []
    return tag("ul", *(_note(note) for note in card.notes), *rest) if card.notes else Html("")


def _note(note: Note) -> Html:
    colour = "bad" if note.severity == "quarantine" else "warn"
    return tag("li", tag("code", note.rule, class_=colour), f" {_short(note.message)}")


def _figure(asked: Asked, session: str, picture: Picture) -> Html:
    address = "preview?" + urlencode({"dataset": asked.dataset, "session": session, "key": picture.key})
    shown = tag("img", src=address, alt=f"signals of {picture.path}", loading="lazy")
    return tag("figure", tag("a", shown, href=address, target="_blank"), tag("figcaption", picture.path, class_="faint"))


def _pages(shown: Shown) -> Html:
    asked = shown.asked
    parts: list[str] = []
    if asked.after:
        parts.append(tag("a", "First page", href=asked.of(after="").address(), rel="first"))
    if shown.more:
        parts.append(tag("a", "Next page", href=asked.of(after=as_word(shown.rows[-1])).address(), rel="next"))
    return tag("nav", join(parts))


def _nothing(asked: Asked) -> str:
    return "No session answers this question." if asked.query else "Nothing has arrived yet."


def _time(moment: datetime) -> Html:
    return tag("time", f"{moment:%Y-%m-%d %H:%M:%S} UTC", datetime=f"{moment:%Y-%m-%dT%H:%M:%SZ}")


def _duration(begun: datetime, ended: datetime) -> str:
    seconds = int((ended - begun).total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARS else f"{text[: MOST_CHARS - 3]}..."
