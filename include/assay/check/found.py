"""What a rule gives back: the findings as a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

COLUMNS = ("session", "file", "value", "expected", "message")


def found(rows: Iterable[tuple[Any, str, str, str, str]] = ()) -> pd.DataFrame:
    """Findings from (session, file, value, expected, message) rows; the message is the sentence that the person reads."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS), dtype="string")


def records(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a frame as tuples of these columns: only what was found is walked through, never the batch."""
    return zip(*(frame[name].tolist() for name in columns), strict=True)


def shown(value: Any) -> str:
    """A number as people read it: six digits."""
    return f"{float(value):.6g}"
