"""The one plugin: mounts what `assay.serve` has into the Airflow API server. Logic lives in the package."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from assay.orchestration.mounted import (
    EXPLORER,
    INGESTION,
    QUARANTINE,
    REPORTING,
    MountedApp,
    explorer,
    ingestion,
    quarantine,
    reporting,
)


class AssayPlugin(AirflowPlugin):
    """The reporting API at /assay, the page of the quarantine and the explorer behind Airflow's login; the ingestion API."""

    name = "assay"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [
        {"app": MountedApp(reporting), "url_prefix": REPORTING, "name": "Assay reporting API"},
        {"app": MountedApp(quarantine), "url_prefix": QUARANTINE, "name": "Assay quarantine"},
        {"app": MountedApp(explorer), "url_prefix": EXPLORER, "name": "Assay explorer"},
        {"app": MountedApp(ingestion), "url_prefix": INGESTION, "name": "Assay ingestion API"},
    ]
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "Quarantine",
            "href": f"{QUARANTINE}/",
            "url_route": "quarantine",
            "destination": "nav",
            "category": "browse",
        },
        {
            "name": "Explorer",
            "href": f"{EXPLORER}/",
            "url_route": "explorer",
            "destination": "nav",
            "category": "browse",
        },
    ]
