"""What the pages of docs/ show as code, so that tests can run it."""

from __future__ import annotations

import re

from assay.settings import project_root


def snippets(page: str) -> list[str]:
    """The indented blocks of a page."""
    text = (project_root() / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip() for block in blocks]
