"""memory-benchmarks.json: STREAM, bandwidth by cache level, and every other benchmark of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.core import core_document, gather
from assay.dataset.entries import Workbench
from assay.dataset.place import MEMORY

CONTAINERS = ("stream", "stream_cache")
"""Containers that always exist."""


def memory_document(workbench: Workbench, benchmarks: list[str], rankings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The document from the benchmarks that belong to it, without its date."""
    measured, provisional = gather(workbench, benchmarks, CONTAINERS)
    document = core_document(workbench, benchmarks, measured, provisional, rankings, MEMORY)
    document["rankings"].setdefault("triad_bandwidth", [])
    return document
