"""`last_updated` of a document: the end of the newest session that contributed to it.

So a session changes only the documents that it touches, and a reader can see how fresh each of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from assay.session import format_time


class Ends:
    """When sessions ended. `sessions`: columns session and ended_at (UTC); `others`: looked at where there is none of these."""

    def __init__(self, sessions: pd.DataFrame, others: pd.DataFrame) -> None:
        self._of = _ends(sessions)
        self._first = min(self._of.values() or _ends(others).values(), default="")

    def newest(self, sessions: Iterable[str]) -> str:
        """End of the newest of these sessions, as published; of the dataset's first where there is none: since then the document
        has been empty."""
        return max((self._of[session] for session in sessions), default=self._first)

    def stamp(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document with its `last_updated`, from the sessions that it names."""
        document["last_updated"] = self.newest(sources_of(document))
        return document


def sources_of(part: Any) -> set[str]:
    """Every session that is named as a source in a decoded document, or in a part of it."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        one = waiting.pop()
        for name, value in one.items():
            if name == "sources" and isinstance(value, list):
                found.update(value)
            elif isinstance(value, Mapping):
                waiting.append(value)
    return found


def _ends(sessions: pd.DataFrame) -> dict[str, str]:
    moments = pd.to_datetime(sessions["ended_at"], utc=True)
    named = zip(sessions["session"], moments, strict=True)
    return {str(session): format_time(moment.to_pydatetime()) for session, moment in named}
