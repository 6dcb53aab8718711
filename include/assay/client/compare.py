"""Types side by side: how many times one is the other, how sure that is, and when there is no difference beyond noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from assay.client.errors import ClientError, NotPublished

MAX_COMPARED = 10
"""Types in one comparison: beyond that a ranking says more."""

LOWER_IS_BETTER = frozenset({"nanoseconds", "milliseconds", "seconds", "cycles"})
"""Units of times: a smaller number is the better one."""

BASELINE = "baseline"
BETTER = "better"
WORSE = "worse"
NO_DIFFERENCE = "no difference beyond noise"
TOO_FEW = "too few executions to tell"
NOT_COMPARABLE = "not comparable: measured in another configuration"

COMPARISON_COLUMNS: Mapping[str, str] = {
    "benchmark": "string",
    "metric": "string",
    "unit": "string",
    "instance": "string",
    "value": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "n": "Int64",
    "ratio": "float64",
    "ratio_low": "float64",
    "ratio_high": "float64",
    "verdict": "string",
}
"""Columns of a comparison: dtype. The ratios are to the first type; `verdict` is one of the sentences of this module."""


def compare(results: pd.DataFrame, instances: Sequence[str]) -> pd.DataFrame:
    """Every metric that the first type and at least one other have; columns as COMPARISON_COLUMNS, the first type first.

    `results`: as assay.client.frames gives them. The verdict is that of the project's own rankings and changes: two medians
    differ where their intervals do not overlap. Interval of a ratio: [low / baseline's high, high / baseline's low], which
    holds the true ratio wherever both intervals hold their medians. Where unit or configuration differ there is no ratio.

    Raises ClientError for fewer than 2 or more than MAX_COMPARED types, or one named twice; NotPublished for one that is not
    there.
    """
    _check(results, instances)
    rows: list[dict[str, Any]] = []
    known = results[results["instance"].isin(list(instances)) & ~results["derived"] & ~results["variant"]]
    # A metric may stand under both parts only where a required field is missing; what has an interval goes first.
    known = known.sort_values("provisional", kind="stable").drop_duplicates(["benchmark", "metric", "instance"])
    for _, group in known.groupby(["benchmark", "metric"], sort=True):
        by_instance = {str(row["instance"]): {str(name): cell for name, cell in row.items()} for row in group.to_dict("records")}
        base = by_instance.get(instances[0])
        if base is None or len(by_instance) < 2:
            continue
        rows.extend(_row(base, by_instance[name], name == instances[0]) for name in instances if name in by_instance)
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS)).astype(dict(COMPARISON_COLUMNS))


def verdict(base: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What can be said of `other` beside `base`, two rows of the same metric."""
    if base["unit"] != other["unit"] or base["configuration"] != other["configuration"]:
        return NOT_COMPARABLE
    if any(math.isnan(side[bound]) for side in (base, other) for bound in ("ci_low", "ci_high")):
        return TOO_FEW
    if base["ci_low"] <= other["ci_high"] and other["ci_low"] <= base["ci_high"]:
        return NO_DIFFERENCE
    return BETTER if (other["value"] > base["value"]) != (base["unit"] in LOWER_IS_BETTER) else WORSE


def _row(base: Mapping[str, Any], other: Mapping[str, Any], is_base: bool) -> dict[str, Any]:
    said = BASELINE if is_base else verdict(base, other)
    row = {name: other[name] for name in COMPARISON_COLUMNS if name in other}
    row["verdict"] = said
    if is_base:
        return {**row, "ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0}
    if said != NOT_COMPARABLE:
        row["ratio"] = _ratio(other["value"], base["value"])
        row["ratio_low"], row["ratio_high"] = _ratio(other["ci_low"], base["ci_high"]), _ratio(other["ci_high"], base["ci_low"])
    return row


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan


def _check(results: pd.DataFrame, instances: Sequence[str]) -> None:
    if not 2 <= len(instances) <= MAX_COMPARED:
        raise ClientError(f"compare: found {len(instances)} types; expected 2 to {MAX_COMPARED}")
    if len(set(instances)) < len(instances):
        raise ClientError(f"compare: a type is named twice: {', '.join(instances)}")
    there = set(results["instance"])
    if missing := [name for name in instances if name not in there]:
        raise NotPublished(f"compare: {', '.join(missing)}: no such type in this snapshot; {some_of(there)}")


def some_of(names: Iterable[str]) -> str:
    """The first few names, for a message."""
    ordered = sorted(names)
    return f"there are {', '.join(ordered[:8])}{' ...' if len(ordered) > 8 else ''}" if ordered else "there is none"
