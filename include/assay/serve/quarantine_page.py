"""The quarantine as a page: from what the ledger holds to HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from assay.check.rule import Rule, Severity, Stage
from assay.database.quarantine import Held, QuarantinePage, Reason
from assay.serve.html import Html, join, page, tag

PAGE_SIZE = 50
MOST_CHARS = 400
"""Of one text of a reason; `assay quarantine show` prints it whole."""

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --mark: #b45309; --link: #0369a1; }
@media (prefers-color-scheme: dark) { :root { --mark: #fbbf24; --link: #7dd3fc; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; padding: 0 1.5rem; max-width: 90rem; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; } a { color: var(--link); }
form { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; margin: 1rem 0; }
label { display: grid; font-size: .85rem; gap: .2rem; } select, button { font: inherit; padding: .3rem .5rem; }
article { border: 1px solid var(--line); border-radius: 6px; margin: .8rem 0; padding: .8rem 1rem; overflow-x: auto; }
header { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; align-items: baseline; }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: break-word; }
table { border-collapse: collapse; width: 100%; margin-top: .6rem; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-top: 1px solid var(--line); }
td { overflow-wrap: break-word; }
th { font-weight: 600; background: var(--soft); } .rule { white-space: nowrap; } .who { color: var(--mark); }
td:target { background: var(--soft); } nav { display: flex; gap: 1rem; margin: 1rem 0; } .soft { opacity: .75; }
"""


@dataclass(frozen=True)
class Choice:
    """What the reader of the page asked for; an empty rule or source means all."""

    dataset: str
    rule: str = ""
    source: str = ""
    page: int = 1

    def address(self, number: int) -> str:
        """Where another page of the same choice is."""
        wanted = {"dataset": self.dataset, "rule": self.rule, "source": self.source, "page": str(number)}
        return "?" + urlencode({name: value for name, value in wanted.items() if value})


def quarantine_html(found: QuarantinePage, choice: Choice) -> str:
    """The page of sessions with their reasons and who decided, and a form to choose dataset, rule and source."""
    pages = max(1, -(-found.total // PAGE_SIZE))
    said = f"{found.total} {'session' if found.total == 1 else 'sessions'}"
    return page(
        "Quarantine",
        STYLE,
        tag("h1", "Quarantine"),
        tag(
            "p",
            f"{said} of dataset {choice.dataset} that a rule keeps out of what is published, or that a person decided about. "
            "Nothing is deleted: the raw files stay. ",
            tag("code", "assay quarantine release SESSION --why ..."),
            " overrules, ",
            tag("code", "assay quarantine reject"),
            " closes a case. ",
            tag("a", "What the rules say", href="rules"),
        ),
        _form(found, choice),
        *(_article(session) for session in found.sessions),
        *([] if found.sessions else [tag("p", "Nothing here.", class_="soft")]),
        _pages(choice, pages),
    )


def rules_html(rules: Iterable[Rule]) -> str:
    """What every rule says and why, each with its id as anchor."""
    rows = [
        tag(
            "tr",
            tag("td", tag("code", rule.id), id=rule.id, class_="rule"),
            tag("td", Severity(rule.severity).value),
            tag("td", Stage(rule.stage).value),
            tag("td", rule.says),
            tag("td", rule.because),
        )
        for rule in rules
    ]
    head = tag("tr", *(tag("th", name) for name in ("rule", "severity", "stage", "says", "because")))
    back = tag("p", tag("a", "Back to the quarantine", href="./"))
    return page("Rules", STYLE, tag("h1", "Rules"), back, tag("table", head, *rows))


def _form(found: QuarantinePage, choice: Choice) -> Html:
    datasets = dict.fromkeys((*found.datasets, choice.dataset))
    return tag(
        "form",
        _select("dataset", {name: name for name in datasets}, choice.dataset),
        _select("rule", {"": "every rule"} | _with_counts(found.rules, choice.rule), choice.rule),
        _select("source", {"": "every source"} | _with_counts(found.sources, choice.source), choice.source),
        tag("button", "Show", type="submit"),
        method="get",
    )


def _with_counts(counts: Mapping[str, int], chosen: str) -> dict[str, str]:
    known = dict(counts) if not chosen or chosen in counts else {chosen: 0, **counts}
    return {name: f"{name} ({count})" for name, count in known.items()}


def _select(name: str, options: Mapping[str, str], chosen: str) -> Html:
    shown = (tag("option", text, value=value, selected=value == chosen) for value, text in options.items())
    return tag("label", name, tag("select", *shown, name=name))


def _article(held: Held) -> Html:
    shown = [
        tag("code", held.session),
        tag("span", held.subject),
        tag("span", f"{held.source} {held.source_file}".strip(), class_="soft"),
        tag("span", _decided(held), class_="who"),
    ]
    head = tag("tr", *(tag("th", name) for name in ("rule", "file", "found", "expected", "what is wrong")))
    more = held.reason_count - len(held.reasons)
    rest = [tag("p", f"and {more} more reasons: assay quarantine show {held.session}")] if more else []
    table = [tag("table", head, *(_row(reason) for reason in held.reasons))] if held.reasons else []
    return tag("article", tag("header", *shown), *table, *rest, id=held.session)


def _decided(held: Held) -> str:
    if not held.decision:
        return "decided by the rules"
    when = f" on {held.decided_at:%Y-%m-%d}" if held.decided_at else ""
    return f"{held.decision} by {held.who}{when}: {_short(held.why)}"


def _row(reason: Reason) -> Html:
    link = tag("a", tag("code", reason.rule), href=f"rules#{quote(reason.rule)}")
    texts = (reason.file, reason.value, reason.expected, reason.message)
    return tag("tr", tag("td", link, class_="rule"), *(tag("td", _short(text)) for text in texts))


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARS else f"{text[: MOST_CHARS - 3]}..."


def _pages(choice: Choice, pages: int) -> Html:
    parts: list[str] = []
    if choice.page > 1:
        parts.append(tag("a", "Newer", href=choice.address(min(choice.page - 1, pages)), rel="prev"))
    parts.append(tag("span", f"page {choice.page} of {pages}", class_="soft"))
    if choice.page < pages:
        parts.append(tag("a", "Older", href=choice.address(choice.page + 1), rel="next"))
    return tag("nav", join(parts))
