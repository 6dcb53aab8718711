"""JSON Schemas (2020-12) of the published documents, generated from the models: `python -m assay.dataset.schema` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from assay.dataset.models import API, DOCUMENTS, SCHEMA_VERSION
from assay.dataset.models.base import AbsentNotNull
from assay.settings import project_root

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = f"v{SCHEMA_VERSION}"


@cache
def schemas() -> Mapping[str, dict[str, Any]]:
    """The JSON Schema of every published document, by schema name (`memory-benchmark`)."""
    return {name: _schema(name, model) for name, model in {**DOCUMENTS, **API}.values()}


def schema_path(document: str) -> str | None:
    """Where a document's schema lies, relative to `data/processed/latest/`; None for a file without one."""
    if document not in DOCUMENTS:
        return None
    return f"../../schemas/{FOLDER}/{DOCUMENTS[document][0]}.schema.json"


def schema_files() -> dict[str, str]:
    """The generated files: path relative to the checkout -> text."""
    return {f"schemas/{FOLDER}/{name}.schema.json": _text(schema) for name, schema in schemas().items()}


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    generated = model.model_json_schema(schema_generator=AbsentNotNull)
    return {"$schema": DIALECT, "$id": f"urn:assay:schema:{SCHEMA_VERSION}:{name}", **generated}


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
