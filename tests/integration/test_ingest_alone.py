"""The ingestion API without the reporting API, as `assay serve --ingestion-only` and a Lambda function run it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from assay.serve.ingest.app import ingest_app
from assay.serve.server import alone
from assay.workspace import Workspace
from made_recordings import make_key
from starlette.testclient import TestClient


def test_it_answers_where_it_always_does_and_lets_go_of_its_workspace(workspace: Workspace) -> None:
    held: list[str] = []

    @contextlib.contextmanager
    def opening() -> Iterator[Workspace]:
        held.append("open")
        yield workspace
        held.append("closed")

    key = make_key(workspace.engine)
    with TestClient(alone(ingest_app(workspace.settings, opening))) as http:
        assert http.get("/recordings/v1/health").json() == {"status": "done"}
        assert http.get("/v1/latest").status_code == 404
        assert held == []
        answer = http.post("/recordings/v1/token", headers={"Authorization": f"Bearer {key}"})
        assert answer.json()["lab"] == "sleep-lab"
    assert held == ["open", "closed"]
