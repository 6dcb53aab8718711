"""Answers as tables of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.fetch.pages import MOST_ROWS, file_pages, pages, reading
from assay.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


def sessions(query: str = "", *, settings: Settings | None = None) -> pd.DataFrame:
    """Sessions that answer a question, newest first: one row each, a column for every metadata variable.

    Where a variable is named like a column of ours, its column is `meta.<name>`. Raises AssayError with what to do.
    """
    import pandas as pd

    rows = []
    with reading(settings) as api:
        for _, page in pages(api, "sessions", q=query, limit=MOST_ROWS):
            for row in page:
                values = {name: each["value"] for name, each in row.pop("metadata").items()}
                rows.append(row | {f"meta.{name}" if name in row else name: value for name, value in values.items()})
    frame = pd.DataFrame(rows)
    for name in {"started_at", "ended_at"} & set(frame.columns):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


def files(query: str = "", *, raw: bool = False, settings: Settings | None = None) -> pd.DataFrame:
    """Files of the sessions that answer a question: `uri` is what pandas and others read where they may read the bucket."""
    import pandas as pd

    with reading(settings) as api:
        found = file_pages(api, query, raw=raw)
        rows = [{name: value for name, value in row.items() if name != "request"} for _, page in found for row in page]
    return pd.DataFrame(rows)
