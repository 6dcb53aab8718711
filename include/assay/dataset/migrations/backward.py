"""1.1.0 -> 1.0.0, for clients of the older form.

A document that was migrated comes back exactly. One that Assay built becomes a view of the types that have interval and sample
size; what stands under `provisional` is left out, because a client of 1.0.0 cannot tell it apart.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from assay.dataset.migrations.forward import FROM as OLDER
from assay.dataset.migrations.forward import HOMES
from assay.dataset.migrations.pointers import parts, put, take
from assay.dataset.models.migrated import MIGRATED, MIGRATION
from assay.dataset.schema import schema_of


def downgrade(name: str, document: Any) -> Any:
    """A document of 1.1.0 as one of 1.0.0. `name`: its file name. The document that is given stays as it is."""
    document = copy.deepcopy(document)
    if isinstance(document, list):  # quarantine.json is the same in both
        return document
    migration = document.pop(MIGRATION, None)
    for part, home in HOMES.get(schema_of(name) or "", {}).items():
        few = document.pop(part)
        if migration is not None:
            _merge(document[home], few)
    document["schema_version"] = OLDER
    if migration is None:
        document.pop("variants", None)
        document.pop("configurations", None)
        return document
    for node in _nodes(document):
        if node.get(MIGRATED) == OLDER:
            del node[MIGRATED]
    for pointer in migration["added"]:
        try:
            take(document, parts(pointer))
        except LookupError:
            continue  # it stood inside something that was taken out since
    for pointer in sorted(migration["kept"], key=len):
        put(document, parts(pointer), migration["kept"][pointer])
    return document


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into.setdefault(key, value)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(below)
