"""Which snapshots a person should look at before they are published, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from assay.dataset.build import METADATA
from assay.dataset.changes import CHANGES
from assay.errors import PublicationError

Approve = Callable[[Mapping[str, bytes]], None]
"""Given the documents of a snapshot that would be new; raises PublicationError where it must not be published."""

MAX_NAMED = 5


def reasons_to_ask(documents: Mapping[str, bytes], quality_threshold: float) -> list[str]:
    """Why these documents need approval, a sentence each: values moved beyond noise, types vanished, too little was accepted.

    None of it for the first snapshot of a dataset, but a quality under the threshold.
    """
    changes = orjson.loads(documents[CHANGES])
    reasons = [poor] if (poor := poor_quality(documents, quality_threshold)) else []
    if not changes["since"]:
        return reasons
    beyond = [row for row in changes["moved"] if row["beyond_noise"]]
    if beyond:
        named = "; ".join(_moved(row) for row in beyond[:MAX_NAMED])
        reasons.append(f"{len(beyond)} values moved beyond noise since {changes['since']}: {named}{_more(len(beyond))}")
    if gone := changes["gone"]:
        reasons.append(f"{len(gone)} types vanished since {changes['since']}: {', '.join(gone[:MAX_NAMED])}{_more(len(gone))}")
    return reasons


def poor_quality(documents: Mapping[str, bytes], threshold: float) -> str:
    """A sentence where fewer sessions were accepted than the threshold wants; empty where enough were."""
    metadata = orjson.loads(documents[METADATA])
    score, accounting = metadata["quality_score"], metadata["accounting"]
    if score >= threshold:
        return ""
    return (
        f"quality_score is {score:g} ({accounting['accepted']} of {accounting['read']} sessions accepted), under the threshold "
        f"of {threshold:g} (ASSAY_QUALITY_THRESHOLD)"
    )


def require_quality(threshold: float) -> Approve:
    """Refuses what is under the threshold; for publishers that nobody watches."""

    def approve(documents: Mapping[str, bytes]) -> None:
        if poor := poor_quality(documents, threshold):
            raise PublicationError(
                f"{poor}: nothing was published. `assay quarantine list` says what was kept out and why; `assay publish --yes` "
                "publishes all the same"
            )

    return approve


def _moved(row: Mapping[str, Any]) -> str:
    return f"{row['instance']} {row['metric']} {row['from']:g} -> {row['to']:g} {row['unit']}"


def _more(count: int) -> str:
    return " ..." if count > MAX_NAMED else ""
