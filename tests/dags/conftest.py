"""DAGs in a real Airflow on a real PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from airflow_program import InAirflow
from assay.database import embedded
from assay.settings import Settings


@pytest.fixture(scope="session")
def in_airflow(server_urls: embedded.Urls) -> InAirflow:
    """Run the program in an Airflow on the embedded PostgreSQL."""
    return InAirflow(server_urls)


@pytest.fixture(scope="session")
def dags(in_airflow: InAirflow, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The structure of every DAG, parsed as Airflow does."""
    found = in_airflow(Settings(home=tmp_path_factory.mktemp("structure")), "structure").value
    assert isinstance(found, dict)
    return found


@pytest.fixture
def small(settings: Settings) -> Settings:
    """Settings of a test's own, with which a session takes seconds."""
    return settings.model_copy(update={"tool_seconds": 1})
