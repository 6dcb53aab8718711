"""trends.json: every metric of every type day by day, and where its level changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from assay.dataset.encode import rounded
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.rankings import plain_name
from assay.dataset.select import MIN_SAMPLE, redact_keys
from assay.measurement import AGGREGATION_KEY, RANKING_KEY
from assay.summarize.statistics import summarize

HISTORY_KEY = (*AGGREGATION_KEY, "unit")

_APART = "\x1f"


def history(measurements: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Statistics as assay.summarize gives them, one row for each aggregation key and day, and the column `date`.

    `measurements`: the tidy table. `sessions`: session and started_at (UTC), whose day a point belongs to.
    """
    days = dict(zip(sessions["session"], pd.to_datetime(sessions["started_at"], utc=True).dt.strftime("%Y-%m-%d"), strict=True))
    # A subject on a day is what is summarized: the same definition of every number as for the whole.
    dated = measurements.assign(
        subject=measurements["subject"].astype(str) + _APART + measurements["session"].map(days).astype(str)
    )
    frame = summarize(dated)
    split = frame["subject"].astype(str).str.rsplit(_APART, n=1)
    return frame.assign(subject=split.str[0], date=split.str[1])


def trends_document(
    placed: pd.DataFrame, daily: pd.DataFrame, changes: pd.DataFrame, names: Mapping[tuple[str, str, str], str], last_updated: str
) -> dict[str, Any]:
    """The document. `placed`: statistics with places. `daily`: of `history`. `changes`: of assay.summarize.change_points.

    `names`: by benchmark, field and configuration, the name that the ranking of these values has.
    """
    places = placed.drop_duplicates(list(HISTORY_KEY))[[*HISTORY_KEY, "field", "configuration", "main"]]
    points = redact_keys(daily).merge(places, on=list(HISTORY_KEY), how="inner")
    points = points.sort_values([*HISTORY_KEY, "date", "n", "median"], kind="stable")
    series: dict[str, dict[str, Any]] = {}
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    # One pass over sorted rows: there may be a series for every metric of every type.
    rows: Iterable[Any] = points.itertuples(index=False, name="Row")
    for key, row in zip(points[list(HISTORY_KEY)].itertuples(index=False, name=None), rows, strict=True):
        one = found.get(key)
        if one is None:
            one = found[key] = _empty(row)
            name = names.get((row.benchmark, row.field, row.configuration)) or _name(row)
            series.setdefault(row.subject, {})[name] = one
        one["points"].append(_point(row))
    ordered = redact_keys(changes).sort_values([*HISTORY_KEY, "started_at"], kind="stable")
    for row in ordered.itertuples(index=False, name="Row"):
        found[tuple(str(getattr(row, name)) for name in HISTORY_KEY)]["change_points"].append(_change(row))
    return {"schema_version": SCHEMA_VERSION, "last_updated": last_updated, "series": series}


def _empty(row: Any) -> dict[str, Any]:
    return {"key": {part: getattr(row, part) for part in RANKING_KEY}, "unit": row.unit, "points": [], "change_points": []}


def _name(row: Any) -> str:
    plain = plain_name(row.benchmark, row.field)
    return plain if row.main else f"{plain}@{row.configuration}"


def _point(row: Any) -> dict[str, Any]:
    point: dict[str, Any] = {
        "date": row.date,
        "value": rounded(row.median),
        "sample_size": int(row.n),
        "sources": sorted(row.session_ids),
    }
    if row.n >= MIN_SAMPLE:
        point["confidence_interval"] = [rounded(row.ci_low), rounded(row.ci_high)]
    return point


def _change(row: Any) -> dict[str, Any]:
    change = {
        "date": pd.Timestamp(row.started_at).strftime("%Y-%m-%d"),
        "before": rounded(row.before),
        "after": rounded(row.after),
        "confidence": rounded(row.confidence),
    }
    return change if pd.isna(row.change_percent) else {**change, "change_percent": rounded(row.change_percent)}
