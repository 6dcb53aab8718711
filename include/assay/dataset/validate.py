"""Validates documents against the published JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from assay.dataset.models import API, DOCUMENTS
from assay.dataset.schema import schemas
from assay.errors import SchemaMismatch

MAX_SHOWN = 5
KNOWN = {**DOCUMENTS, **API}


def validate_documents(documents: Mapping[str, bytes]) -> None:
    """Check every document that has a schema.

    Raises SchemaMismatch with the document, the path in it, what was found and what was expected, for the first few faults.
    """
    faults = [fault for name in sorted(documents) if name in KNOWN for fault in _faults(name, documents[name])]
    if faults:
        more = f"; and {len(faults) - MAX_SHOWN} more" if len(faults) > MAX_SHOWN else ""
        raise SchemaMismatch("; ".join(faults[:MAX_SHOWN]) + more)


def validate_folder(folder: Path) -> list[str]:
    """Check every known document in a folder; returns their names. Raises SchemaMismatch as `validate_documents` does."""
    documents = {name: (folder / name).read_bytes() for name in sorted(KNOWN) if (folder / name).is_file()}
    validate_documents(documents)
    return list(documents)


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schemas()[schema])


def _faults(name: str, raw: bytes) -> list[str]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return [f"{name}: found bytes that are not JSON ({error}); expected a document of the dataset"]
    return [
        f"{name}: {_pointer(error.instance_path)}: found {_shown(error.instance)}; expected otherwise: {_brief(error.message)} "
        f"(schema {KNOWN[name][0]}, {_pointer(error.schema_path)})"
        for error in _validator(KNOWN[name][0]).iter_errors(document)
    ]


def _pointer(path: Any) -> str:
    return "/" + "/".join(str(part) for part in path)


def _shown(value: Any) -> str:
    return _brief(repr(value))


def _brief(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:120]}...{text[-70:]}"
