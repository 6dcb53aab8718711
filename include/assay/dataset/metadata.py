"""metadata.json: what this dataset is, who made it, how good it is, and what belongs to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from assay.dataset.content import DatasetContent
from assay.dataset.encode import rounded, sha256
from assay.dataset.entries import Workbench
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.schema import schema_path
from assay.errors import PublicationError
from assay.reference import catalogue
from assay.session import format_time


def last_updated(content: DatasetContent) -> datetime:
    """End of the newest session that contributed; where none was accepted, of the newest in quarantine.

    Raises PublicationError if there is no session at all.
    """
    for sessions in (content.sessions, content.quarantined):
        if len(sessions):
            newest = pd.Timestamp(sessions["ended_at"].max())
            return newest.to_pydatetime()
    raise PublicationError(
        f"dataset {content.dataset}: there is nothing to publish yet: no session was accepted or quarantined; "
        "measure or import sessions and process them first"
    )


def metadata_core(content: DatasetContent, workbench: Workbench, implementations: Mapping[str, str]) -> dict[str, Any]:
    """The document without its list of documents, which is known only when they are bytes."""
    newest = last_updated(content)
    types = {item.subject for benchmark in workbench.benchmarks for item in workbench.items[benchmark]}
    counts = content.accounting
    return {
        "schema_version": SCHEMA_VERSION,
        "dataset": content.dataset,
        "dataset_version": format_time(newest)[:10],
        "last_updated": format_time(newest),
        "licence": content.licence,
        "attribution": _attribution(content.sessions),
        "implementations": dict(implementations),
        "counts": {
            "instance_types": len(types),
            "families": len({workbench.subjects[name]["instance_family"] for name in types}),
            "sessions": len(content.sessions),
            "measurements": int(content.statistics["n"].sum()),
        },
        "accounting": {
            "read": counts.read,
            "accepted": counts.accepted,
            "quarantined": counts.quarantined,
            "rejected": counts.rejected,
        },
        "machine_facts": dict(zip(("source", "as_of"), catalogue.source(), strict=True)),
        "quality_score": rounded(counts.accepted / counts.read) if counts.read else 0.0,
        "grades": dict(content.grades),
    }


def document_list(documents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Every document with its size, hash and schema, by name."""
    listed = []
    for name in sorted(documents):
        entry: dict[str, Any] = {"path": name, "bytes": len(documents[name]), "sha256": sha256(documents[name])}
        schema = schema_path(name)
        listed.append(entry if schema is None else {**entry, "schema": schema})
    return listed


def _attribution(sessions: pd.DataFrame) -> list[dict[str, Any]]:
    fields = ["source", "attribution", "licence", "url"]
    known = sessions.assign(url=sessions["url"].fillna(""))[fields]
    credits = []
    for values, number in sorted(Counter(known.itertuples(index=False, name=None)).items()):
        credit = {name: str(value) for name, value in zip(fields, values, strict=True) if value}
        credits.append({**credit, "sessions": number})
    return credits
