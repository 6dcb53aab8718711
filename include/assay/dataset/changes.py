"""changes.json: what is different from the snapshot before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.walk import Found, instances, quantities

CHANGES = "changes.json"


def changes_document(before: Mapping[str, Any], now: Mapping[str, Any], since: str) -> dict[str, Any]:
    """The difference between two sets of decoded documents, manifest included. `before`: empty for the first snapshot.

    Numbers are compared only where unit and configuration are the same; where the configuration changed, the value is listed as
    replaced, not as moved.
    """
    old, new = ({(found.instance, found.metric): found for found in quantities(documents)} for documents in (before, now))
    both = sorted(old.keys() & new.keys())
    then, today = instances(before), instances(now)
    was_out, is_out = (_sessions(documents.get("quarantine.json", [])) for documents in (before, now))
    return {
        "schema_version": SCHEMA_VERSION,
        "since": since,
        "new": sorted(today - then),
        "gone": sorted(then - today),
        "moved": [_moved(old[key], new[key]) for key in both if _comparable(old[key], new[key]) and _differs(old[key], new[key])],
        "replaced": [_replaced(old[key], new[key]) for key in both if not _comparable(old[key], new[key])],
        "quarantined": sorted(is_out - was_out),
        "released": sorted((was_out - is_out) & _sessions(now.get("manifest.json", {}).get("sessions", []))),
    }


def beyond_noise(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether the confidence intervals of two quantities do not overlap."""
    (low, high), (old_low, old_high) = now["confidence_interval"], before["confidence_interval"]
    return bool(low > old_high or high < old_low)


def _sessions(entries: list[Mapping[str, Any]]) -> set[str]:
    return {str(entry["session"]) for entry in entries}


def _comparable(before: Found, now: Found) -> bool:
    return all(before.quantity.get(name) == now.quantity.get(name) for name in ("unit", "configuration"))


def _differs(before: Found, now: Found) -> bool:
    return bool(before.quantity["value"] != now.quantity["value"])


def _moved(before: Found, now: Found) -> dict[str, Any]:
    return {
        "instance": now.instance,
        "metric": now.metric,
        "from": before.quantity["value"],
        "to": now.quantity["value"],
        "unit": now.quantity["unit"],
        "beyond_noise": beyond_noise(before.quantity, now.quantity),
    }


def _replaced(before: Found, now: Found) -> dict[str, Any]:
    return {
        "instance": now.instance,
        "metric": now.metric,
        "from": before.quantity.get("configuration", ""),
        "to": now.quantity.get("configuration", ""),
    }
