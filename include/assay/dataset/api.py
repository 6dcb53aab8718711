"""data/api: which documents there are and what one can filter by, for programs that find their way by themselves.

`bundle.json` is the core documents in one file, for hosts that count requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel

from assay.dataset.encode import sha256, to_json
from assay.dataset.manifest import MANIFEST
from assay.dataset.models import DOCUMENTS, contract_of, says
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.place import CPU, MEMORY, MICROARCH
from assay.dataset.schema import FOLDER
from assay.dataset.walk import quantities

BASE = "data/processed/latest/"
BUNDLE = "bundle.json"
BUNDLED = (MEMORY, CPU, MICROARCH, "instance-rankings.json", "price-performance.json", "metadata.json")

_TABLES = {
    "statistics.parquet": "the statistics, one row an aggregation key, at full precision.",
    "measurements.parquet": "every measurement, one row each, with everything that makes it comparable.",
}


def bundle_document(documents: Mapping[str, bytes]) -> dict[str, Any]:
    """The core documents in one."""
    return {
        "schema_version": SCHEMA_VERSION,
        "documents": {name: orjson.loads(documents[name]) for name in BUNDLED if name in documents},
    }


def api_documents(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """endpoints.json and filters.json for a snapshot's files, by name below data/api/."""
    return {"endpoints.json": to_json(endpoints_document(documents)), "filters.json": to_json(filters_document(documents))}


def endpoints_document(documents: Mapping[str, bytes]) -> dict[str, Any]:
    """Every file of the snapshot with its title, schema, size and hash, and the documents over time (`../historical/...`).

    Static files: no endpoint takes parameters.
    """
    endpoints = []
    for name in sorted(documents):
        endpoint: dict[str, Any] = {
            "path": name,
            "title": says(DOCUMENTS[name][1]) if name in DOCUMENTS else _TABLES.get(name, name),
            "bytes": len(documents[name]),
            "sha256": sha256(documents[name]),
            "parameters": [],
        }
        if name in DOCUMENTS:
            endpoint["schema"] = f"data/schemas/{FOLDER}/{DOCUMENTS[name][0]}.schema.json"
        endpoints.append(endpoint)
    for entry in _history(documents):
        name, model = contract_of(entry["path"]) or ("", BaseModel)
        endpoints.append(
            {
                **entry,
                "path": f"../{entry['path']}",
                "title": says(model),
                "parameters": [],
                "schema": f"data/schemas/{FOLDER}/{name}.schema.json",
            }
        )
    return {"schema_version": SCHEMA_VERSION, "base": BASE, "endpoints": endpoints}


def _history(documents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = orjson.loads(documents[MANIFEST])["history"] if MANIFEST in documents else []
    return history


def filters_document(documents: Mapping[str, bytes]) -> dict[str, Any]:
    """The values that occur in the snapshot, by what one may filter by."""
    core = {name: orjson.loads(documents[name]) for name in (MEMORY, CPU, MICROARCH)}
    found: dict[str, set[str]] = {
        name: set() for name in ("architecture", "family", "instance", "benchmark", "metric", "quality")
    }
    for part in ("measured", "provisional"):
        for item in quantities(core, part):
            found["architecture"].add(item.architecture)
            found["family"].add(item.family)
            found["instance"].add(item.instance)
            found["benchmark"].add(item.metric.partition(".")[0])
            found["metric"].add(item.metric)
            if "quality" in item.quantity:
                found["quality"].add(item.quantity["quality"])
    return {"schema_version": SCHEMA_VERSION, **{name: sorted(values) for name, values in found.items()}}
