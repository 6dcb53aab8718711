"""JSON Schemas (2020-12) of the published documents, generated from the models: `python -m assay.dataset.schema` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from assay.dataset.examples import example
from assay.dataset.models import API, DOCUMENTS, HISTORY, SCHEMA_VERSION, contract_of, v1_0_0
from assay.dataset.models.base import AbsentNotNull
from assay.dataset.models.migrated import allow_migrated
from assay.settings import project_root

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = f"v{SCHEMA_VERSION}"


NEWEST = SCHEMA_VERSION
VERSIONS = (v1_0_0.VERSION, NEWEST)
"""Versions of the contract, oldest first."""

_MODELS: Mapping[str, Mapping[str, tuple[str, type[BaseModel]]]] = {
    v1_0_0.VERSION: v1_0_0.DOCUMENTS,
    NEWEST: {**DOCUMENTS, **API, **HISTORY},
}


@cache
def schemas(version: str = NEWEST) -> Mapping[str, dict[str, Any]]:
    """The JSON Schema of every published document of a version of the contract, by schema name (`memory-benchmark`)."""
    return {name: _schema(version, name, model) for name, model in _MODELS[version].values()}


def schema_of(document: str, version: str = NEWEST) -> str | None:
    """Name of the schema that a document keeps, by its file name, or its path below `data/processed/` where it lies outside
    `latest/`; None for a file that the version does not know."""
    if "/" in document and version == NEWEST:
        return (contract_of(document) or (None, None))[0]
    return _MODELS[version].get(document, (None, None))[0]


def schema_path(document: str) -> str | None:
    """Where a document's schema lies, relative to `data/processed/latest/`; None for a file without one."""
    if document not in DOCUMENTS:
        return None
    return f"../../schemas/{FOLDER}/{DOCUMENTS[document][0]}.schema.json"


def schema_files() -> dict[str, str]:
    """The generated schemas: path relative to the checkout -> text."""
    return {
        f"schemas/v{version}/{name}.schema.json": _text(schema)
        for version in VERSIONS
        for name, schema in schemas(version).items()
    }


def _schema(version: str, name: str, model: type[BaseModel]) -> dict[str, Any]:
    generated = model.model_json_schema(schema_generator=AbsentNotNull)
    if version == NEWEST:
        allow_migrated(generated, model.__name__)
    generated["title"] = f"{name.replace('-', ' ').capitalize()}, contract {version}"
    generated["examples"] = [example(generated)]
    return {"$schema": DIALECT, "$id": f"urn:assay:schema:{version}:{name}", **generated}


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every schema below `schemas/` of the checkout."""
    for path, text in schema_files().items():
        target = project_root() / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
