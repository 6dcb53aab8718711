"""Weekly and quarterly aggregates: the statistics of the sessions that started in one ISO week or one quarter, and nothing else.

A period that gained no session gives the same bytes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.dataset.encode import rounded, rounded_all, to_json
from assay.dataset.executions import Executions, summarize_by
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.periods import Period, day_name, last_day, period_name, period_starts
from assay.dataset.series import Series, SourceLists, published_columns, session_slices
from assay.dataset.trends import Archive

WEEKLY_FOLDER = "v1.0/weekly-aggregates"
HISTORY_FOLDER = "historical"
QUARTERLY = "aggregates.json"


def archive_aggregates(
    executions: Executions,
    series: Sequence[Series],
    configurations: Mapping[str, Mapping[str, str]],
    last_updated: str,
    archive: Archive,
) -> None:
    """Every weekly and quarterly document. Where there is no execution at all, empty ones of the period of `last_updated`."""
    for period in Period:
        for start, rows in _periods(executions, period, last_updated):
            document = aggregates_document(rows, series, configurations, period, start, last_updated)
            archive(aggregates_path(period, start), to_json(document, compact=True))


def aggregates_path(period: Period, start: int) -> str:
    """Where the aggregates of the period that starts on that day lie, below `data/processed/`."""
    name = period_name(period, start)
    return f"{WEEKLY_FOLDER}/{name}.json" if period is Period.WEEK else f"{HISTORY_FOLDER}/{name}/{QUARTERLY}"


def aggregates_document(
    rows: Executions,
    series: Sequence[Series],
    configurations: Mapping[str, Mapping[str, str]],
    period: Period,
    start: int,
    last_updated: str,
) -> dict[str, Any]:
    """The aggregates of one period; `rows`: its executions. `configurations`: by name, what they stand for. `last_updated`: what
    the document says where there are none."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "last_updated": last_updated,
        "period": period_name(period, start),
        "from": day_name(start),
        "to": day_name(last_day(period, start)),
        "sessions": len(np.unique(rows.session)),
        "benchmarks": {},
        "provisional": {},
        "variants": {},
        "families": {},
        "configurations": {},
        "sources": {},
    }
    if not len(rows.group):
        return document
    document["last_updated"] = str(rows.sessions["ended"].to_numpy()[np.unique(rows.session)].max())
    table, sessions = summarize_by(rows, np.zeros(len(rows.group), dtype=np.int64))
    lists = SourceLists(rows.sessions["session"].tolist())
    groups = [series[group] for group in table["group"]]
    quantities = list(_quantities(table, sessions, groups, lists))
    for one, quantity in zip(groups, quantities, strict=True):
        fields = _container(document, one, quantity)
        fields[one.field if one.field not in fields else f"{one.field} ({one.unit})"] = quantity
    document["families"] = _families(groups, quantities)
    used = {one.configuration for one in groups}
    document["configurations"] = {name: dict(configurations[name]) for name in sorted(used)}
    document["sources"] = lists.document()
    return document


def _quantities(
    table: pd.DataFrame, sessions: NDArray[np.int64], groups: Sequence[Series], lists: SourceLists
) -> Iterator[dict[str, Any]]:
    columns = published_columns(table)
    cv = table["cv"].to_numpy()
    known = np.isfinite(cv)
    spreads = rounded_all(np.where(known, cv, 0.0).round(9))
    for one, value, n, count, interval, spread, has_spread, quality, sources in zip(
        groups,
        columns["value"],
        columns["sample_size"],
        columns["sessions"],
        columns["interval"],
        spreads,
        known.tolist(),
        table["quality"].tolist(),
        session_slices(table, sessions),
        strict=True,
    ):
        quantity = {
            "value": value,
            "unit": one.unit,
            "sample_size": n,
            "sessions": count,
            "configuration": one.configuration,
            "source": lists.number(one.subject, sources),
        }
        if interval:
            quantity["confidence_interval"] = interval
            if has_spread:
                quantity["coefficient_variation"] = spread
            if isinstance(quality, str) and quality:
                quantity["quality"] = quality
        yield quantity


def _container(document: dict[str, Any], one: Series, quantity: Mapping[str, Any]) -> dict[str, Any]:
    """Where a quantity stands: as in the core documents."""
    if one.main:
        part = document["benchmarks" if "confidence_interval" in quantity else "provisional"]
        fields: dict[str, Any] = part.setdefault(one.benchmark, {}).setdefault(one.subject, {})
        return fields
    variant: dict[str, dict[str, Any]] = document["variants"].setdefault(one.benchmark, {})
    return variant.setdefault(one.configuration, {"instances": {}})["instances"].setdefault(one.subject, {})  # type: ignore[no-any-return]


def _families(groups: Sequence[Series], quantities: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How the types of each family spread, where they have an interval: nothing is compared across configurations or units."""
    members: dict[tuple[str, str, str, str, str], dict[str, float]] = {}
    for one, quantity in zip(groups, quantities, strict=True):
        if "confidence_interval" in quantity:
            where = (one.family, one.benchmark, one.configuration, one.field, one.unit)
            members.setdefault(where, {})[one.subject] = quantity["value"]
    families: dict[str, Any] = {}
    for (family, benchmark, configuration, field, unit), values in members.items():
        fields = families.setdefault(family, {}).setdefault(benchmark, {}).setdefault(configuration, {})
        fields[field if field not in fields else f"{field} ({unit})"] = {
            "unit": unit,
            "types": len(values),
            "min": min(values.values()),
            "median": rounded(median(values.values())),
            "max": max(values.values()),
            "members": sorted(values),
        }
    return families


def _periods(executions: Executions, period: Period, last_updated: str) -> Iterator[tuple[int, Executions]]:
    """The executions of one period after the other, oldest first."""
    starts_of = period_starts(period, executions.days)
    if not len(starts_of):
        day = np.array([last_updated[:10]], dtype="datetime64[D]").astype(np.int64)
        yield int(period_starts(period, day)[0]), executions
        return
    order = np.argsort(starts_of, kind="stable")
    starts, first = np.unique(starts_of[order], return_index=True)
    for start, begin, end in zip(starts, first, [*first[1:], len(order)], strict=True):
        yield int(start), executions.take(order[begin:end])
