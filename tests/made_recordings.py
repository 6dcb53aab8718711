"""Recordings of a lab, made up: manifests, API keys, and a client of the ingestion API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from assay.database.keys import create_key
from assay.session import Manifest, RawFile, SessionKind, Source
from sqlalchemy import Engine

LAB = "sleep-lab"
STARTED = datetime(2024, 2, 29, 15, 12, 21, tzinfo=UTC)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest_of(contents: dict[str, bytes], *, lab: str = LAB, dataset: str = "default", **labels: str) -> Manifest:
    """The manifest of files with these contents."""
    return Manifest(
        kind=SessionKind.RECORDING,
        subject=lab,
        started_at=STARTED,
        ended_at=STARTED,
        source=Source("assay-ship", "0.1.0", "CC BY 4.0", lab),
        files=tuple(sorted(RawFile(path, len(content), sha256(content)) for path, content in contents.items())),
        dataset=dataset,
        labels={"folder": "20240229_161221", **labels},
    )


def document(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON."""
    found: dict[str, Any] = orjson.loads(manifest.to_bytes())
    return found


def make_key(engine: Engine, **changes: Any) -> str:
    """An API key of the lab that may upload and read."""
    with engine.begin() as connection:
        return create_key(connection, **{"lab": LAB, "dataset": "default", "rights": ["upload", "read"], **changes})


@dataclass
class Client:
    """Asks the ingestion API with a token of its key; `http` is a client of starlette or httpx."""

    http: Any
    key: str
    token: str = ""

    def login(self) -> Client:
        answer = self.http.post("/v1/token", headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.http.request(method, path, json=body, headers={"Authorization": f"Bearer {self.token}"})

    def announce(self, manifest: Manifest) -> Any:
        return self.ask("POST", "/v1/sessions", {"manifest": document(manifest)})

    def request_for(self, manifest: Manifest, path: str) -> dict[str, Any]:
        """The signed request for a small file."""
        answer = self.ask("POST", f"/v1/sessions/{manifest.session}/uploads", {"paths": [path]})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["files"][0]["request"]
        return found

    def complete(self, manifest: Manifest) -> Any:
        return self.ask("POST", f"/v1/sessions/{manifest.session}/complete")
