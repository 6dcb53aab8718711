"""Which version of Assay's own code is running, for the commit message."""

from __future__ import annotations

from assay.errors import PublicationError
from assay.publish.git import Git
from assay.settings import project_root


def code_commit() -> str:
    """The first twelve digits of the checkout's commit; empty where there is no checkout."""
    folder = project_root() / ".git"
    if not (project_root() / "include" / "assay").is_dir() or not folder.exists():
        return ""
    try:
        return Git(folder).text("rev-parse", "--short=12", "HEAD")
    except PublicationError:
        return ""
