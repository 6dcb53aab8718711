"""The index of the documents: endpoints, filters and the bundle."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from assay.dataset.models.base import Document, Published, Sha256, measured_in

Names = Annotated[list[str], Field(description="Values that occur in the snapshot, sorted.")]


class Endpoint(Published):
    """One file of the snapshot."""

    path: str = Field(description="Path relative to `base`; documents over time lie above it (`../historical/...`).")
    title: str = Field(description="What it says.")
    document_schema: str | None = Field(None, alias="schema", description="Its JSON Schema, from the root; absent for tables.")
    bytes: int = Field(ge=0, description="Size in bytes.", json_schema_extra=measured_in("bytes"))
    sha256: Sha256
    parameters: list[str] = Field(description="Parameters; static files take none.")


class EndpointsDocument(Document):
    """endpoints.json: every file of the newest snapshot, with size and hash."""

    base: str = Field(description="Folder of the newest snapshot, from the root of the repository or site.")
    endpoints: list[Endpoint] = Field(description="By path.")


class FiltersDocument(Document):
    """filters.json: what one can filter by, and the values that occur."""

    architecture: Names
    family: Names
    instance: Names
    benchmark: Names
    metric: Names
    quality: Names


class BundleDocument(Document):
    """bundle.json: the core documents in one file, for hosts that count requests."""

    documents: dict[str, dict[str, Any]] = Field(description="Decoded documents by file name; each keeps its own schema.")
