"""What every document over time is made of: which series an aggregation key is, and which sessions a number in it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.dataset.encode import rounded_all
from assay.dataset.rankings import plain_name
from assay.dataset.select import MIN_SAMPLE
from assay.errors import PublicationError
from assay.measurement import RANKING_KEY
from assay.summarize.sorted_rows import GROUP_COLUMNS


@dataclass(frozen=True, slots=True)
class Series:
    """One aggregation key and the place that its values have in the documents.

    `name`: that of its ranking, or one made the same way. `main`: whether it fills the place; the others are variants.
    """

    subject: str
    family: str
    name: str
    benchmark: str
    field: str
    configuration: str
    main: bool
    unit: str
    key: Mapping[str, str]


class SourceLists:
    """The session lists of a document, each written once: a number names its list by position among those of its type."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        self._lists: dict[str, dict[bytes, int]] = {}

    def number(self, subject: str, sessions: NDArray[np.int64]) -> int:
        """The position of this list, given as ascending positions in the ids; it is added if it is new."""
        lists = self._lists.setdefault(subject, {})
        return lists.setdefault(sessions.tobytes(), len(lists))

    def document(self) -> dict[str, list[list[str]]]:
        """By type: its lists of session ids."""
        return {
            subject: [[self._ids[number] for number in np.frombuffer(packed, dtype=np.int64)] for packed in lists]
            for subject, lists in self._lists.items()
        }


def series_of(
    keys: pd.DataFrame,
    placed: pd.DataFrame,
    names: Mapping[tuple[str, str, str], str],
    subjects: Mapping[str, Mapping[str, Any]],
) -> list[Series]:
    """The series of each row of `keys` (GROUP_COLUMNS).

    `placed`: statistics with places. `names`: by benchmark, field and configuration, the name of the ranking of these values.
    `subjects`: published metadata by type. Raises PublicationError if a key has no place: the statistics are older than the rows.
    """
    columns = list(GROUP_COLUMNS)
    places = placed.drop_duplicates(columns)[[*columns, "field", "configuration", "main"]]
    rows = keys.merge(places, on=columns, how="left")
    missing = rows[rows["field"].isna()]
    if len(missing):
        first = " ".join(str(part) for part in missing.iloc[0][columns])
        raise PublicationError(
            f"{len(missing)} aggregation keys were measured but have no statistics, such as {first}; the statistics are older "
            "than the verdicts: run `assay process` to bring them up to date, then publish again"
        )
    taken: set[tuple[str, str]] = set()
    found = []
    for row in rows.to_dict("records"):
        place = (str(row["benchmark"]), str(row["field"]), str(row["configuration"]))
        plain = plain_name(place[0], place[1])
        name = names.get(place) or (plain if row["main"] else f"{plain}@{place[2]}")
        if (row["subject"], name) in taken:  # the same numbers in another unit are another series
            name = f"{name} ({row['unit']})"
        taken.add((row["subject"], name))
        key = {part: str(row[part]) for part in RANKING_KEY}
        family = str(subjects[row["subject"]]["instance_family"])
        found.append(Series(str(row["subject"]), family, name, *place, bool(row["main"]), str(row["unit"]), key))
    return found


def published_columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns of summarized rows as they are published: value, n, interval (None under MIN_SAMPLE executions), ..."""
    n = table["n"].to_numpy()
    measured = n >= MIN_SAMPLE
    low, high = (rounded_all(np.where(measured, table[name].to_numpy(), 0.0)) for name in ("ci_low", "ci_high"))
    return {
        "value": rounded_all(table["median"].to_numpy()),
        "sample_size": n.tolist(),
        "sessions": table["sessions"].to_numpy().tolist(),
        "interval": [[a, b] if known else None for a, b, known in zip(low, high, measured, strict=True)],
    }


def session_slices(table: pd.DataFrame, sessions: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The sessions of each summarized row."""
    ends = np.cumsum(table["sessions"].to_numpy())
    return [sessions[end - n : end] for end, n in zip(ends.tolist(), table["sessions"].tolist(), strict=True)]
