"""family-summary.json and architectural-summary.json: how many types, how they spread, which is best, how they scale with
size."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np

from assay.dataset.encode import rounded
from assay.dataset.models.base import SCHEMA_VERSION

GROUPS: Mapping[str, tuple[str, str]] = {
    "family": ("families", "instance_family"),
    "architecture": ("architectures", "architecture"),
    "generation": ("generations", "generation"),
    "processor": ("processors", "processor"),
    "vcpus": ("sizes", "vcpus"),
    "memory_type": ("memory_types", "memory_type"),
}
"""What types can be grouped by: the field of the summary that holds the groups, and the field of the machine that decides."""

UNKNOWN = "unknown"

MIN_SIZES = 3
"""Different numbers of processors that a slope needs."""


def summary_documents(
    rankings: Mapping[str, Mapping[str, Any]], machines: Mapping[str, Mapping[str, Any]], last_updated: str
) -> dict[str, dict[str, Any]]:
    """Both summaries, from the rankings (nothing is compared across ranking keys) and the types' published metadata."""
    return {
        "family-summary.json": summary_document("family", rankings, machines, last_updated),
        "architectural-summary.json": summary_document("architecture", rankings, machines, last_updated),
    }


def scaling_exponent(sizes: list[int], values: list[float]) -> float | None:
    """Least-squares slope of log(value) over log(size); None with fewer than MIN_SIZES sizes or a value that is not positive."""
    if len(set(sizes)) < MIN_SIZES or min(values) <= 0:
        return None
    slope, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return rounded(float(slope))


def summary_document(
    group_by: str,
    rankings: Mapping[str, Mapping[str, Any]],
    machines: Mapping[str, Mapping[str, Any]],
    last_updated: str,
) -> dict[str, Any]:
    """The summary by one of GROUPS; a machine that does not tell it is in the group `unknown`."""
    title, field = GROUPS[group_by]
    groups: dict[str, dict[str, Any]] = {}
    for name, ranking in rankings.items():
        members: dict[str, list[dict[str, Any]]] = {}
        for row in ranking["ranks"]:
            machine = machines[row["instance"]]
            member = {"instance": row["instance"], "value": row["value"]}
            members.setdefault(str(machine.get(field, UNKNOWN)), []).append(
                {**member, "vcpus": machine["vcpus"]} if "vcpus" in machine else member
            )
        for group, rows in members.items():
            groups.setdefault(group, {})[name] = _summary(ranking, rows)
    return {"schema_version": SCHEMA_VERSION, "last_updated": last_updated, title: groups}


def _summary(ranking: Mapping[str, Any], members: list[dict[str, Any]]) -> dict[str, Any]:
    values = [member["value"] for member in members]
    summary: dict[str, Any] = {
        "key": ranking["key"],
        "unit": ranking["unit"],
        "types": len(members),
        "min": min(values),
        "median": rounded(median(values)),
        "max": max(values),
        "best": members[0]["instance"],
        "members": members,
    }
    sized = [member for member in members if "vcpus" in member]
    if sized:
        exponent = scaling_exponent([member["vcpus"] for member in sized], [member["value"] for member in sized])
        if exponent is not None:
            summary["scaling_exponent"] = exponent
    return summary
