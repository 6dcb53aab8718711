"""The DAG that reads price lists, in a real Airflow, from a server over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from airflow_program import InAirflow
from assay.reference.prices.known import known_prices
from assay.settings import Settings
from assay.workspace import Workspace
from price_list import PriceList, product

pytestmark = [pytest.mark.airflow, pytest.mark.enable_socket]

RUN = ("run", json.dumps([("refresh_prices", {})]))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Iterator[PriceList]:
    """A price list, in an environment without any credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    server = PriceList([product("m7i.large", "us-east-1", "0.2000000000")])
    yield server
    server.stop()


@pytest.mark.full
def test_prices_are_refreshed_with_credentials_and_the_task_is_skipped_without(
    in_airflow: InAirflow, settings: Settings, workspace: Workspace, shop: PriceList, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = settings.model_copy(update={"price_endpoint": shop.endpoint, "price_regions": "us-east-1"})
    answer = in_airflow(here, *RUN)
    assert [run["tasks"] for run in answer.value] == [[["refresh", -1, "skipped", 1]]], answer.log[-6000:]
    assert shop.requests == []
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    answer = in_airflow(here, *RUN)
    assert [run["state"] for run in answer.value] == ["success"], answer.log[-6000:]
    assert known_prices(workspace.engine, ["m7i.large"], ["us-east-1"])["hourly_price"].tolist() == [0.2]
