"""docs/openapi.json and docs/ingest-openapi.json, generated from the applications."""

from __future__ import annotations

from assay.dataset.encode import to_json
from assay.serve.ingest.app import ingest_app
from assay.serve.server import reporting_app
from assay.settings import Settings
from assay.workspace import open_workspace


def openapi_json() -> str:
    """The OpenAPI document of the reporting API; nothing is opened for it."""
    return to_json(reporting_app(Settings(), dependencies=()).openapi()).decode()


def ingest_openapi_json() -> str:
    """The OpenAPI document of the ingestion API; nothing is opened for it."""
    return to_json(ingest_app(Settings(), open_workspace).openapi()).decode()
