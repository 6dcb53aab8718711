"""Published documents as tidy pandas frames: pure functions, one row a fact. What was not measured is empty, never zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

MEMORY, CPU, MICROARCH = "memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json"
CORE = (MEMORY, CPU, MICROARCH)

_TEXT, _NUMBER, _COUNT = "string", "float64", "Int64"

RESULT_COLUMNS: Mapping[str, str] = {
    "instance": _TEXT,
    "family": _TEXT,
    "architecture": _TEXT,
    "generation": _COUNT,
    "vcpus": _COUNT,
    "benchmark": _TEXT,
    "metric": _TEXT,
    "value": _NUMBER,
    "unit": _TEXT,
    "ci_low": _NUMBER,
    "ci_high": _NUMBER,
    "confidence_level": _NUMBER,
    "n": _COUNT,
    "sessions": _COUNT,
    "cv": _NUMBER,
    "quality": _TEXT,
    "provisional": "bool",
    "derived": "bool",
    "variant": "bool",
    "implementation": _TEXT,
    "configuration": _TEXT,
    "document": _TEXT,
}
"""Columns of `results`: dtype. `value` is the median over `n` executions, `cv` in percent. `provisional`: n under 3, so without
interval. `derived`: computed from published medians (a ratio), so without n. `variant`: of another configuration than the one
that fills its container."""

RANKING_COLUMNS: Mapping[str, str] = {
    "ranking": _TEXT,
    "rank": _COUNT,
    "instance": _TEXT,
    "value": _NUMBER,
    "unit": _TEXT,
    "ci_low": _NUMBER,
    "ci_high": _NUMBER,
    "quality": _TEXT,
    "higher_is_better": "bool",
    "benchmark": _TEXT,
    "metric": _TEXT,
    "implementation": _TEXT,
    "threads": _TEXT,
    "configuration": _TEXT,
}

PRICE_COLUMNS: Mapping[str, str] = {
    "instance": _TEXT,
    "region": _TEXT,
    "price": _NUMBER,
    "currency": _TEXT,
    "source": _TEXT,
    "as_of": _TEXT,
    "reason": _TEXT,
    "metric": _TEXT,
    "value_per_dollar": _NUMBER,
    "unit": _TEXT,
}
"""One row a type, region and metric. Where there is no price, `price` is empty and `reason` says why."""

TREND_COLUMNS: Mapping[str, str] = {
    "instance": _TEXT,
    "ranking": _TEXT,
    "date": _TEXT,
    "value": _NUMBER,
    "unit": _TEXT,
    "ci_low": _NUMBER,
    "ci_high": _NUMBER,
    "n": _COUNT,
}
CHANGE_COLUMNS: Mapping[str, str] = {
    "instance": _TEXT,
    "ranking": _TEXT,
    "date": _TEXT,
    "before": _NUMBER,
    "after": _NUMBER,
    "change_percent": _NUMBER,
    "confidence": _NUMBER,
    "unit": _TEXT,
}
QUARANTINE_COLUMNS: Mapping[str, str] = dict.fromkeys(
    ("session", "kind", "subject", "rule", "file", "value", "expected", "message"), _TEXT
)

Row = dict[str, Any]


def results(documents: Mapping[str, Any]) -> pd.DataFrame:
    """Every number of the decoded core documents, columns as RESULT_COLUMNS, sorted by benchmark, metric, instance.

    A benchmark and a metric are called as in the documents: `stream`, `triad_bandwidth`; those of the microarchitecture by their
    analysis (`cache_analysis`, `l1_latency`).
    """
    rows = [row for name in CORE for row in _of_document(name, documents.get(name, {}))]
    order = ["benchmark", "metric", "variant", "instance", "configuration"]
    return _frame(rows, RESULT_COLUMNS).sort_values(order, kind="stable", ignore_index=True)


def rankings(document: Mapping[str, Any]) -> pd.DataFrame:
    """instance-rankings.json, one row a type and ranking, best first; columns as RANKING_COLUMNS."""
    rows: list[Row] = []
    for name, ranking in document.get("rankings", {}).items():
        key = ranking.get("key", {})
        about = {part: key.get(part) for part in ("benchmark", "metric", "implementation", "threads")}
        about |= {"ranking": name, "unit": ranking.get("unit"), "higher_is_better": bool(ranking.get("higher_is_better", True))}
        about["configuration"] = ranking.get("values_at", {}).get("configuration")
        rows.extend(
            {**about, **_picked(rank, "rank", "instance", "value", "quality"), **_interval(rank)} for rank in ranking["ranks"]
        )
    return _frame(rows, RANKING_COLUMNS)


def prices(document: Mapping[str, Any]) -> pd.DataFrame:
    """price-performance.json; columns as PRICE_COLUMNS."""
    rows: list[Row] = []
    for instance, regions in document.get("instances", {}).items():
        for region, said in regions.items():
            hourly = said.get("hourly_price") or {}
            about: Row = {
                "instance": instance,
                "region": region,
                "price": hourly.get("value"),
                "currency": document.get("currency"),
                "source": hourly.get("source"),
                "as_of": hourly.get("as_of"),
                "reason": said.get("reason"),
            }
            bought = said.get("value_per_dollar") or {}
            rows.extend(
                {**about, "metric": metric, "value_per_dollar": what.get("value"), "unit": what.get("unit")}
                for metric, what in bought.items()
                if isinstance(what, Mapping)
            )
            if not bought:
                rows.append(about)
    return _frame(rows, PRICE_COLUMNS)


def trends(document: Mapping[str, Any]) -> pd.DataFrame:
    """The points of trends.json, oldest first within a series; columns as TREND_COLUMNS, `date` as text (UTC day)."""
    rows = [
        {**about, **_picked(point, "date", "value"), "n": point.get("sample_size"), **_interval(point)}
        for about, series in _series(document)
        for point in series.get("points", [])
    ]
    return _frame(rows, TREND_COLUMNS)


def change_points(document: Mapping[str, Any]) -> pd.DataFrame:
    """Where the level of a series changed; columns as CHANGE_COLUMNS."""
    names = ("date", "before", "after", "change_percent", "confidence")
    rows = [
        {**about, **_picked(change, *names)} for about, series in _series(document) for change in series.get("change_points", [])
    ]
    return _frame(rows, CHANGE_COLUMNS)


def quarantine(document: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """What was kept out and why, one row a reason; columns as QUARANTINE_COLUMNS."""
    rows = [
        {**_picked(entry, "session", "kind", "subject"), **_picked(reason, "rule", "file", "value", "expected", "message")}
        for entry in document
        for reason in entry.get("reasons") or [{}]
    ]
    return _frame(rows, QUARANTINE_COLUMNS)


def _of_document(name: str, document: Mapping[str, Any]) -> Iterator[Row]:
    measured, provisional = ("microarchitecture", "provisional") if name == MICROARCH else ("benchmarks", "provisional")
    machines: dict[str, Mapping[str, Any]] = {}
    for part in (measured, provisional):
        groups = document.get(part, {}).values() if name == MICROARCH else [document.get(part, {})]
        for containers in groups:
            for benchmark, container in containers.items():
                for instance, entry in container.items():
                    machines.setdefault(instance, entry.get("metadata", {}))
                    for row in _of_entry(entry):
                        yield {**row, "benchmark": benchmark, "instance": instance, "document": name} | _machine(
                            entry["metadata"]
                        )
    for benchmark, configurations in document.get("variants", {}).items():
        for variant in configurations.values():
            for instance, fields in variant.get("instances", {}).items():
                for row in _of_entry(fields):
                    machine = _machine(machines.get(instance, {}))
                    yield {**row, "benchmark": benchmark, "instance": instance, "document": name, "variant": True} | machine


def _of_entry(entry: Mapping[str, Any]) -> Iterator[Row]:
    for metric, said in entry.items():
        if isinstance(said, Mapping) and "value" in said and "unit" in said:
            yield {
                "metric": metric,
                **_picked(said, "value", "unit", "confidence_level", "sessions", "quality", "implementation", "configuration"),
                **_interval(said),
                "n": said.get("sample_size"),
                "cv": said.get("coefficient_variation"),
                "provisional": "confidence_interval" not in said,
                "derived": False,
                "variant": False,
            }
        elif isinstance(said, int | float) and not isinstance(said, bool) and metric != "nodes":
            yield {
                "metric": metric,
                "value": float(said),
                "unit": "ratio",
                "provisional": False,
                "derived": True,
                "variant": False,
            }


def _machine(metadata: Mapping[str, Any]) -> Row:
    return {"family": metadata.get("instance_family"), **_picked(metadata, "architecture", "generation", "vcpus")}


def _series(document: Mapping[str, Any]) -> Iterator[tuple[Row, Mapping[str, Any]]]:
    for instance, by_ranking in document.get("series", {}).items():
        for name, series in by_ranking.items():
            yield {"instance": instance, "ranking": name, "unit": series.get("unit")}, series


def _interval(said: Mapping[str, Any]) -> Row:
    low, high = said.get("confidence_interval") or (None, None)
    return {"ci_low": low, "ci_high": high}


def _picked(said: Mapping[str, Any], *names: str) -> Row:
    return {name: said.get(name) for name in names}


def _frame(rows: list[Row], columns: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).astype(dict(columns))
