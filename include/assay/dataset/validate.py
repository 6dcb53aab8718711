"""Validates documents against the published JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from assay.dataset.models import API, DOCUMENTS
from assay.dataset.schema import NEWEST, schema_of, schemas
from assay.errors import SchemaMismatch

MAX_SHOWN = 5
KNOWN = {**DOCUMENTS, **API}


@dataclass(frozen=True)
class Fault:
    """One place where a document breaks its contract. `path`: keys and positions that lead there."""

    document: str
    path: tuple[str | int, ...]
    found: str
    expected: str
    schema: str = ""

    @property
    def field(self) -> str:
        """The path as a JSON pointer."""
        return "/" + "/".join(str(part) for part in self.path)

    def __str__(self) -> str:
        by = f" ({self.schema})" if self.schema else ""
        where = f"{self.document}: {self.field}" if self.path else self.document
        return f"{where}: found {self.found}; expected {self.expected}{by}"


def validate_documents(documents: Mapping[str, bytes]) -> None:
    """Check every document that has a schema; names are those in `latest/`, or paths below `data/processed/`.

    Raises SchemaMismatch with the document, the path in it, what was found and what was expected, for the first few faults.
    """
    refuse([fault for name in sorted(documents) if schema_of(name) for fault in faults_in(name, documents[name])])


def refuse(faults: Sequence[Fault]) -> None:
    """Raise SchemaMismatch that says the first few faults; return where there is none."""
    if faults:
        more = f"; and {len(faults) - MAX_SHOWN} more" if len(faults) > MAX_SHOWN else ""
        raise SchemaMismatch("; ".join(map(str, faults[:MAX_SHOWN])) + more)


def validate_folder(folder: Path) -> list[str]:
    """Check every known document in a folder; returns their names. Raises SchemaMismatch as `validate_documents` does."""
    documents = {name: (folder / name).read_bytes() for name in sorted(KNOWN) if (folder / name).is_file()}
    validate_documents(documents)
    return list(documents)


def faults_in(name: str, raw: bytes, version: str = NEWEST) -> list[Fault]:
    """What is wrong with the bytes of a document, by the schema that a version of the contract has for its file name."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return [Fault(name, (), f"bytes that are not JSON ({error})", "a document of the dataset")]
    return faults_of(name, document, version)


def faults_of(name: str, document: Any, version: str = NEWEST) -> list[Fault]:
    """What is wrong with a decoded document. Nothing, for a file that has no schema."""
    schema = schema_of(name, version)
    if schema is None:
        return []
    return [
        Fault(
            name,
            tuple(error.instance_path),
            _brief(repr(error.instance)),
            f"otherwise: {_brief(error.message)}",
            f"schema {schema} {version}, {_pointer(error.schema_path)}",
        )
        for error in _validator(schema, version).iter_errors(document)
    ]


@cache
def _validator(schema: str, version: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schemas(version)[schema])


def _pointer(path: Any) -> str:
    return "/" + "/".join(str(part) for part in path)


def _brief(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:120]}...{text[-70:]}"
