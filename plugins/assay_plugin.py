"""The one plugin: mounts what `assay.serve` has into the Airflow API server. Logic lives in the package."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from assay.orchestration.mounted import (
    EXPLORER,
    INGESTION,
    QUARANTINE,
    REPORTING,
    SESSIONS,
    MountedApp,
    explorer,
    ingestion,
    quarantine,
    recordings,
    reporting,
)


class AssayPlugin(AirflowPlugin):
    """The reporting API at /assay, the pages and the explorer behind Airflow's login; the ingestion API."""

    name = "assay"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [
        {"app": MountedApp(reporting), "url_prefix": REPORTING, "name": "Assay reporting API"},
        {"app": MountedApp(quarantine), "url_prefix": QUARANTINE, "name": "Assay quarantine"},
        {"app": MountedApp(recordings), "url_prefix": SESSIONS, "name": "Assay recordings"},
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
            "name": "Recordings",
            "href": f"{SESSIONS}/",
            "url_route": "recordings",
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
