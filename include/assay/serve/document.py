"""docs/openapi.json, generated from the application."""

from __future__ import annotations

from assay.dataset.encode import to_json
from assay.serve.server import reporting_app
from assay.settings import Settings


def openapi_json() -> str:
    """The OpenAPI document of the reporting API; nothing is opened for it."""
    return to_json(reporting_app(Settings(), dependencies=()).openapi()).decode()
