"""The one plugin: mounts what `assay.serve` has into the Airflow API server. Logic lives in the package."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from assay.orchestration.reporting import PREFIX, ReportingApp


class AssayPlugin(AirflowPlugin):
    """The reporting API at /assay, behind Airflow's login."""

    name = "assay"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [{"app": ReportingApp(), "url_prefix": PREFIX, "name": "Assay reporting API"}]
