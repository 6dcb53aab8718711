"""Which commit of a public repository a folder was checked out from, read from its `.git` without running git."""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_MAX_BYTES = 4 * 1024 * 1024


def commit_of(folder: Path, repository: str) -> str | None:
    """The commit that is checked out, if the folder lies in a checkout of `owner/name`; None where that cannot be told."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        if git.is_dir():
            return _head(git) if repository.lower() in _text(git / "config").lower() else None
    return None


def _head(git: Path) -> str | None:
    head = _text(git / "HEAD").strip()
    if head.startswith("ref: "):
        name = head.removeprefix("ref: ").strip()
        packed = re.search(rf"^([0-9a-f]{{40,64}}) {re.escape(name)}$", _text(git / "packed-refs"), re.MULTILINE)
        loose = _text(git / name).strip() if ".." not in name else ""
        head = loose or (packed.group(1) if packed else "")
    return head if _COMMIT.fullmatch(head) else None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return ""
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
