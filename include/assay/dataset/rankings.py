"""Rankings: types ordered by one metric, one list per ranking key; which types share a rank is decided in summarize."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from assay.dataset.entries import Workbench
from assay.dataset.quantity import Placed
from assay.measurement import RANKING_KEY
from assay.summarize.rankings import RANKING_COLUMNS, higher_is_better, rank

PLAIN_NAMES = frozenset({"stream", "hpl"})
"""Benchmarks whose metrics are ranked under their bare name; others under `<benchmark>.<metric>`."""


def ranking_lists(workbench: Workbench, documents: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Every ranking, by name. `documents`: the published document that holds each benchmark.

    The list of the configuration that fills the container has the metric's plain name; the others add `@<configuration>`. Ranks
    follow from the intervals as they are published, so that a reader can recompute them.
    """
    items = list(_rankable(workbench))
    configurations = workbench.configurations(workbench.benchmarks)
    names = list_names(items)
    by_parts = {tuple(parts.values()): name for name, parts in configurations.items()}
    result: dict[str, dict[str, Any]] = {}
    for parts, rows in rank(_frame(items, configurations)).groupby([*RANKING_KEY, "unit"], sort=False):
        *key, unit = (str(part) for part in parts)
        item, name = names[key[0], key[1], by_parts[tuple(key[2:])], unit]
        result[name] = {
            "key": dict(zip(RANKING_KEY, key, strict=True)),
            "unit": unit,
            "higher_is_better": higher_is_better(unit),
            "ranks": [_row(row) for row in rows.itertuples(index=False)],
            "values_at": {"document": documents[item.benchmark], "field": item.field, "configuration": item.configuration},
        }
    return result


def ranked_sessions(workbench: Workbench, among: Collection[str] | None = None) -> set[str]:
    """Every session behind a ranked value; `among`: of these subjects, and only what fills a container."""
    items = _rankable(workbench)
    wanted = items if among is None else (item for item in items if item.main and item.subject in among)
    return {session for item in wanted for session in item.quantity["sources"]}


def plain_name(benchmark: str, field: str) -> str:
    """The name under which a metric is ranked and followed over time."""
    return field if benchmark in PLAIN_NAMES else f"{benchmark}.{field}"


def plain_ranks(rankings: Mapping[str, Mapping[str, Any]], document: str) -> dict[str, list[dict[str, Any]]]:
    """The short lists that a core document carries: instance, value and rank, of the configuration that fills the container."""
    return {
        name: [{"instance": row["instance"], "value": row["value"], "rank": row["rank"]} for row in ranking["ranks"]]
        for name, ranking in rankings.items()
        if ranking["values_at"]["document"] == document and "@" not in name
    }


def _rankable(workbench: Workbench) -> Iterator[Placed]:
    """Quantities with an interval whose type is not provisional; variants stand for themselves."""
    for benchmark in workbench.benchmarks:
        for item in workbench.items[benchmark]:
            if item.measured and (not item.main or workbench.stands(benchmark, item.subject)):
                yield item


def _frame(items: list[Placed], configurations: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    rows = [
        {
            "subject": item.subject,
            "benchmark": item.benchmark,
            "metric": item.metric,
            **configurations[item.configuration],
            "unit": item.quantity["unit"],
            "median": item.quantity["value"],
            "ci_low": item.quantity["confidence_interval"][0],
            "ci_high": item.quantity["confidence_interval"][1],
            "n": item.quantity["sample_size"],
            "quality": item.quantity.get("quality"),
        }
        for item in items
    ]
    columns = [name for name in RANKING_COLUMNS if name not in ("higher_is_better", "rank")]
    return pd.DataFrame(rows, columns=columns)


def list_names(items: Iterable[Placed]) -> dict[tuple[str, str, str, str], tuple[Placed, str]]:
    """By benchmark, metric, configuration and unit: one item of the list, and the list's name."""
    fills: dict[tuple[str, str, str, str], bool] = {}
    first: dict[tuple[str, str, str, str], Placed] = {}
    for item in items:
        key = (item.benchmark, item.metric, item.configuration, item.quantity["unit"])
        first.setdefault(key, item)
        fills[key] = fills.get(key, False) or item.main
    names: dict[tuple[str, str, str, str], tuple[Placed, str]] = {}
    taken: set[str] = set()
    for key in sorted(first, key=lambda key: (first[key].benchmark, first[key].field, first[key].order, key)):
        item = first[key]
        plain = plain_name(item.benchmark, item.field)
        name = plain if fills[key] and plain not in taken else f"{plain}@{item.configuration}"
        name = name if name not in taken else f"{name} ({item.quantity['unit']})"
        taken.add(name)
        names[key] = (item, name)
    return names


def _row(row: Any) -> dict[str, Any]:
    ranked = {
        "rank": int(row.rank),
        "instance": row.subject,
        "value": row.median,
        "confidence_interval": [row.ci_low, row.ci_high],
    }
    return {**ranked, "quality": row.quality} if isinstance(row.quality, str) else ranked
