"""The verdict for the page of a pull request: a stranger's text is shown as text, whatever it is made of."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from assay.contribute.check import Checked, Found, Judged
from assay.contribute.page import MAX_CHARS, MAX_ROWS, lines, markdown, plain
from hypothesis import given
from hypothesis import strategies as st

FOUND = Found("physics.x", "quarantine", "stream/1/stdout.txt", "9e9 GB/s", "at most 500 GB/s", "The triad is 9e9 GB/s.")
KEPT_OUT = Judged("session/manifest.json", "quarantined", "20250629T120001Z-0123456789ab", "m7i.large", findings=(FOUND,))
NONE = Judged("photo.jpg", "rejected", reason="photo.jpg: is no session.")


def cells(page: str) -> list[list[str]]:
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in page.splitlines() if line.startswith("|") and "---" not in line]


def test_every_session_and_every_finding_has_its_row() -> None:
    page = markdown(Checked("rejected", (KEPT_OUT, NONE)))
    rows = [[html.unescape(cell).strip() for cell in row] for row in cells(page)]
    assert page.startswith("## Contribution: rejected\n")
    assert [KEPT_OUT.source_file, KEPT_OUT.session, KEPT_OUT.subject, "quarantined"] in rows
    assert ["physics.x", "quarantine", FOUND.file, FOUND.value, FOUND.expected, FOUND.message] in rows
    assert ["cannot form a session", "rejected", "photo.jpg", "", "", NONE.reason] in rows


def test_the_terminal_says_the_same_in_lines() -> None:
    said = lines(Checked("rejected", (KEPT_OUT, NONE)))
    assert said == [
        "session/manifest.json (session 20250629T120001Z-0123456789ab, m7i.large): quarantined",
        "  quarantine physics.x: The triad is 9e9 GB/s.",
        "    file stream/1/stdout.txt; found 9e9 GB/s; expected at most 500 GB/s",
        "photo.jpg: rejected: photo.jpg: is no session.",
    ]
    assert lines(Checked("accepted", ())) == ["nothing was found that could be a session"]


@given(st.text())
def test_any_text_is_shown_as_itself_and_can_be_neither_markup_nor_mention(text: str) -> None:
    shown = plain(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9 ]|&#\d+;)*", shown)
    expected = text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 3]}..."
    read = "".join(chr(int(each[2:-1])) if len(each) > 1 else each for each in re.findall(r"&#\d+;|.", shown))
    assert read == "".join(each if each.isprintable() else " " for each in expected)


@given(st.text(min_size=1, max_size=40))
def test_no_text_breaks_out_of_its_cell(text: str) -> None:
    found = replace(FOUND, file=text, value=text, expected=text, message=text)
    page = markdown(Checked("quarantined", (replace(KEPT_OUT, source_file=text, findings=(found,)),)))
    assert [len(row) for row in cells(page)] == [4, 4, 6, 6]
    assert len(page.splitlines()) == len(markdown(Checked("quarantined", (KEPT_OUT,))).splitlines())


def test_a_long_page_is_cut_and_says_so() -> None:
    page = markdown(Checked("quarantined", (KEPT_OUT,) * (MAX_ROWS + 1)))
    assert f"{MAX_ROWS + 1} sessions, {MAX_ROWS + 1} findings" in page
    assert len(cells(page)) == 2 * (MAX_ROWS + 1)
    assert "first" not in markdown(Checked("quarantined", (KEPT_OUT,) * MAX_ROWS))
