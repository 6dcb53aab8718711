"""What a document may lack that was migrated from the contract 1.0.0, which did not tell it: nothing is made up to fill a gap.

The models say what Assay writes. In the schemas, a field named here is required unless the object says that it was migrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIGRATED = "migrated_from"
"""The mark on a part of a document."""
MIGRATION = "migration"
"""The mark on a whole document, with what was added and what has no place any more."""
VERSIONS = ("1.0.0",)

_ENTRY = ("metadata", "sources")
_DATED = ("last_updated",)

UNLESS_MIGRATED: Mapping[str, tuple[str, ...]] = {
    "Provisional": ("sample_size", "sessions", "implementation", "configuration", "sources"),
    "Measured": ("sessions", "implementation", "configuration", "sources", "confidence_level", "mean"),
    "StreamEntry": ("sources",),
    **dict.fromkeys(
        (
            "ProvisionalStreamEntry",
            "StreamCacheEntry",
            "HplEntry",
            "ProvisionalHplEntry",
            "MklEntry",
            "VectorEntry",
            "CacheEntry",
            "ProvisionalCacheEntry",
            "NumaEntry",
            "OtherEntry",
            "OtherProvisionalEntry",
        ),
        _ENTRY,
    ),
    "MemoryDocument": ("architectures",),
    "CpuDocument": ("architectures",),
    **dict.fromkeys(
        (
            "MicroarchDocument",
            "RankingsDocument",
            "ViewDocument",
            "NumaDocument",
            "PricePerformanceDocument",
            "FamilySummaryDocument",
            "ArchitecturalSummaryDocument",
        ),
        _DATED,
    ),
    "TrendsDocument": (*_DATED, "window", "history", "sources"),
    "Ranking": ("key", "values_at"),
    "RankingKey": ("implementation", "version", "threads", "size_policy", "build_flags", "metric"),
    "GroupSummary": ("key", "unit", "members"),
    "SeriesDocument": ("key", "unit", "change_points"),
    "Point": ("sample_size", "source"),
    "ChangePoint": ("source",),
    "MetadataDocument": ("attribution", "grades", "machine_facts"),
    "Credit": ("source", "attribution", "licence", "sessions"),
    "MetadataCounts": ("instance_types", "families", "sessions", "measurements"),
    "Accounting": ("read", "accepted", "quarantined", "rejected"),
    "ChangesDocument": ("replaced", "released"),
    "Moved": ("unit",),
    "ManifestDocument": ("content_digest", "history"),
    "ManifestSession": ("kind", "subject", "files"),
    "FiltersDocument": ("instance", "benchmark", "quality"),
}
"""Model -> the required fields that a migrated one may lack."""


def allow_migrated(schema: dict[str, Any], model: str) -> None:
    """Change a model's schema so that a migrated document satisfies it. `schema`: the whole one, or a definition in it."""
    for name, definition in schema.get("$defs", {}).items():
        _allow(definition, UNLESS_MIGRATED.get(name, ()), MIGRATED, _MARK)
    if schema.get("type") == "object":
        _allow(schema, UNLESS_MIGRATED.get(model, ()), MIGRATION, _BLOCK)


def _allow(schema: dict[str, Any], lacking: tuple[str, ...], mark: str, about: Mapping[str, Any]) -> None:
    if mark == MIGRATION or lacking:
        schema["properties"][mark] = dict(about)
    if lacking:
        schema["required"] = [name for name in schema["required"] if name not in lacking]
        schema |= {"if": {"required": [mark]}, "else": {"required": list(lacking)}}


_MARK = {
    "description": "Contract that this was published under; what that did not tell is absent here. Only in migrated documents.",
    "enum": list(VERSIONS),
}
_BLOCK = {
    "description": "How this document came from an older contract; absent from a document that Assay built.",
    "type": "object",
    "required": ["from", "added", "kept"],
    "properties": {
        "from": {"description": "Contract that the document was published under.", "enum": list(VERSIONS)},
        "added": {
            "description": "JSON pointers to what the older document did not have.",
            "type": "array",
            "items": {"type": "string"},
        },
        "kept": {
            "description": "What has no place in this contract: by JSON pointer into the older document, its value there.",
            "type": "object",
        },
    },
}
