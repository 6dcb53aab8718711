"""The verdict for people: lines for a terminal, Markdown for the page of a pull request."""

from __future__ import annotations

import re

from assay.contribute.check import Checked, Judged

MAX_ROWS = 200
MAX_CHARS = 300

_PLAIN = re.compile(r"[^A-Za-z0-9 ]")


def lines(checked: Checked) -> list[str]:
    """One line for each session, and below it one for each finding."""
    said = []
    for judged in checked.sessions:
        about = f" (session {judged.session}, {judged.subject})" if judged.session else ""
        said.append(f"{judged.source_file}{about}: {judged.verdict}{': ' + judged.reason if judged.reason else ''}")
        for found in judged.findings:
            said.append(f"  {found.severity} {found.rule}: {found.message}")
            said.append(f"    file {found.file or '-'}; found {found.value or '-'}; expected {found.expected or '-'}")
    return said or ["nothing was found that could be a session"]


def markdown(checked: Checked) -> str:
    """A table of the sessions and one of the findings.

    Every text from a contribution is written so that Markdown and HTML take it for plain characters: no link, mention or tag.
    """
    parts = [f"## Contribution: {checked.verdict}", "", "| file | session | measured on | verdict |", "|---|---|---|---|"]
    for judged in checked.sessions[:MAX_ROWS]:
        cells = (judged.source_file, judged.session, judged.subject)
        parts.append(f"| {' | '.join(plain(cell) for cell in cells)} | {judged.verdict} |")
    rows = [row for judged in checked.sessions for row in _rows(judged)]
    if rows:
        parts += ["", "| rule | | file | found | expected | |", "|---|---|---|---|---|---|"]
        parts += [f"| {' | '.join(plain(cell) for cell in row)} |" for row in rows[:MAX_ROWS]]
    if max(len(rows), len(checked.sessions)) > MAX_ROWS:
        parts += [
            "",
            f"The first {MAX_ROWS} rows; `assay contribute check` shows {len(checked.sessions)} sessions, {len(rows)} findings.",
        ]
    parts += ["", "Rules that compare sessions saw this contribution alone; they see the whole dataset when it is taken in.", ""]
    return "\n".join(parts)


def plain(text: str) -> str:
    """The text with everything but letters, digits and spaces as numeric entities, cut to MAX_CHARS characters."""
    shown = text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 3]}..."
    return _PLAIN.sub(lambda match: f"&#{ord(match[0])};" if match[0].isprintable() else " ", shown)


def _rows(judged: Judged) -> list[tuple[str, ...]]:
    if judged.reason:
        return [("cannot form a session", "rejected", judged.source_file, "", "", judged.reason)]
    return [(each.rule, each.severity, each.file, each.value, each.expected, each.message) for each in judged.findings]
