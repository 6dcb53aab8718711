"""SQL, paths and control characters in every field that the ingestion API takes: none gets a fault, and none changes anything."""

from __future__ import annotations

import contextlib
import copy
import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from assay.database.uploads import read_audit
from assay.serve.ingest.app import ingest_app
from assay.workspace import Workspace
from made_recordings import Client, document, make_key, manifest_of
from sqlalchemy import text
from starlette.testclient import TestClient

SMALL = {"metadata.txt": b"fatigue: 3\n", "signals/eeg.bin": b"\x00\x01" * 500}
TRICKS = (
    "'; DROP TABLE assay.uploads; --",
    "../../etc/passwd",
    "/etc/passwd",
    "a/../../b",
    "..\\b",
    "a\x00b",
    "C:x",
    "a//b",
    "%2e%2e",
    "${jndi:ldap://x}",
    "\N{RIGHT-TO-LEFT OVERRIDE}fdp.eeg",
)
REFUSED = {401, 403, 404, 409, 422}


@pytest.fixture
def client(workspace: Workspace) -> Iterator[Client]:
    """A lab whose one session is complete."""
    app = ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace))
    with TestClient(app) as http:
        made = Client(http, make_key(workspace.engine, requests_per_minute=1_000_000)).login()
        manifest = manifest_of(SMALL)
        made.announce(manifest)
        for path, content in SMALL.items():
            request = made.request_for(manifest, path)
            assert http.request("PUT", "/" + request["url"], content=content).status_code == 200
        assert made.complete(manifest).status_code == 200
        yield made


def leaves(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a document, and of every name (a name stands behind None)."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield (*above, None, name)
            yield from leaves(each, (*above, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, (*above, number))
    else:
        yield above


def changed(document: Any, place: tuple[Any, ...], trick: str) -> Any:
    """The document with the trick at that place."""
    made = copy.deepcopy(document)
    *above, last = place
    named = bool(above) and above[-1] is None
    inside = made
    for step in above[:-1] if named else above:
        inside = inside[step]
    if named:
        inside[trick] = inside.pop(last)
    else:
        inside[last] = trick
    return made


def bodies() -> dict[str, Any]:
    """A good body for every operation that takes one."""
    session = manifest_of(SMALL, hardware="X1")
    base, parts = f"/v1/sessions/{session.session}", [{"number": 1, "sha256": "0" * 64}]
    return {
        "/v1/sessions": {"manifest": document(session)},
        f"{base}/uploads": {"paths": ["metadata.txt"]},
        f"{base}/parts": {"path": "signals/eeg.bin", "parts": parts},
        f"{base}/assemble": {"path": "signals/eeg.bin", "parts": ["0" * 64]},
        "/v1/failures": {"folder": "20240229_161221", "session": session.session, "message": "eeg.bin: changed"},
    }


def everything(workspace: Workspace) -> tuple[Any, ...]:
    """All that lies in raw storage, and all that was announced."""
    with workspace.engine.connect() as connection:
        announced = connection.execute(text("SELECT * FROM assay.uploads ORDER BY session")).all()
        keys = connection.execute(text("SELECT key, lab, rights FROM assay.api_keys ORDER BY key")).all()
    return sorted(workspace.storage.list("raw"), key=lambda item: item.key), announced, keys


def test_a_trick_in_any_field_or_name_of_any_body_changes_nothing(client: Client, workspace: Workspace) -> None:
    before = everything(workspace)
    said: dict[str, set[str]] = {}
    for path, body in bodies().items():
        for place, trick in itertools.product(leaves(body), TRICKS):
            answer = client.ask("POST", path, changed(body, place, trick))
            assert answer.status_code in REFUSED | {200}, (path, place, answer.text)
            if answer.status_code == 200:
                said.setdefault(path, set()).add(".".join(str(step) for step in place if step is not None))
    # Text that is kept as text is taken; a field that names, counts or points is not.
    free = {f"manifest.source.{name}" for name in ("name", "version", "licence", "attribution", "url")}
    free |= {f"manifest.labels.{name}" for name in ("folder", "hardware")}
    assert said.pop("/v1/sessions", set()) <= free
    assert said == {"/v1/failures": {"folder", "message"}}
    assert everything(workspace) == before
    with workspace.engine.connect() as connection:
        said_of = read_audit(connection, limit=100_000)["detail"]
    for trick in TRICKS:
        assert said_of.str.contains(trick.replace("\x00", "\N{REPLACEMENT CHARACTER}"), regex=False).any()


def test_a_trick_in_any_address_parameter_or_header_changes_nothing(client: Client, workspace: Workspace) -> None:
    before = everything(workspace)
    for trick in TRICKS:
        name = quote(trick, safe="")
        for path in (f"/v1/sessions/{name}", f"/v1/objects/{name}"):
            assert client.ask("GET", path).status_code in REFUSED
        for step in ("uploads", "parts", "assemble", "complete"):
            assert client.ask("POST", f"/v1/sessions/{name}/{step}", {"paths": [trick]}).status_code in REFUSED | {405}
        assert client.http.put(f"/v1/objects/{name}", content=b"x").status_code in REFUSED
        for listing in ("/v1/sessions", "/v1/files"):
            for parameter in ("q", "sort", "limit", "after", "what"):
                answer = client.ask("GET", f"{listing}?{parameter}={name}")
                known = parameter in ("q", "sort", "limit", "after") or (listing, parameter) == ("/v1/files", "what")
                assert answer.status_code == (422 if known else 200), (listing, parameter, answer.text)
        if trick.isascii() and trick.isprintable():
            for path in ("/v1/token", "/v1/failures"):
                assert client.http.post(path, headers={"Authorization": f"Bearer {trick}"}).status_code == 401
    assert everything(workspace) == before
