"""Recordings as a page: sessions with metadata, reasons and pictures, found by questions, and nothing of it as markup."""

from __future__ import annotations

import contextlib
import re
from html import unescape
from pathlib import Path

import pytest
from assay.database.uploads import announce, audit
from assay.ingest.arrive import sweep
from assay.process import judge_recordings, preprocess_recordings
from assay.serve.recordings import recordings_app
from assay.serve.recordings_page import PAGE_SIZE
from assay.workspace import Workspace
from fastapi import Depends, HTTPException, Request
from fastapi.testclient import TestClient
from made_labs import LAB, ship, write_folder
from made_recordings import make_key
from made_recordings import manifest_of as announced
from real_recordings import EDF

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    return TestClient(recordings_app(lambda: contextlib.nullcontext(workspace), dependencies=[]))


def shown(text: str) -> list[str]:
    """The sessions on a page, in their order."""
    return re.findall(r'<article id="([^"]+)"', text)


def many(workspace: Workspace, tmp_path: Path, count: int) -> None:
    for n in range(count):
        metadata = f"fatigue: {n % 6}\nhardware_model: X{n % 2}\nsampling_rate: 250 Hz\n"
        ship(workspace, write_folder(tmp_path, f"20240229_16{n:02d}21", metadata=metadata))
    sweep(workspace)
    judge_recordings(workspace)


def test_a_session_is_there_with_metadata_verdict_reasons_and_its_picture(
    client: TestClient, workspace: Workspace, tmp_path: Path
) -> None:
    assert "Nothing has arrived yet" in client.get("/").text
    good = ship(workspace, write_folder(tmp_path, files={"night.edf": EDF})).session
    bad = ship(
        workspace, write_folder(tmp_path, "20240229_171221", metadata="fatigue: 12\nhardware_model: X1\nmood: odd\n")
    ).session
    sweep(workspace)
    judge_recordings(workspace)
    preprocess_recordings(workspace)
    text = client.get("/").text
    assert shown(text) == [bad, good]
    for word in ("20240229_161221", "accepted", "quarantined", "example-lab", "night.edf", "X1", "250 Hz", "mood", "2 files"):
        assert word in unescape(text), word
    assert "recording.value" in text or "fatigue" in text
    address = unescape(re.findall(r'<img src="([^"]+)"', text)[0])
    picture = client.get(f"/{address}")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["x-content-type-options"] == "nosniff"
    table = workspace.of_dataset(LAB.dataset).ledger.processed_files()
    others = {**dict.fromkeys(table["key"][~table["key"].str.endswith(".png")], good), "../../etc/passwd": good, "\x00": good}
    for key, session in others.items():
        assert client.get("/preview", params={"dataset": LAB.dataset, "session": session, "key": key}).status_code == 404


def test_questions_orders_and_pages_miss_nothing(client: TestClient, workspace: Workspace, tmp_path: Path) -> None:
    many(workspace, tmp_path, PAGE_SIZE + 5)
    everything = shown(client.get("/").text)
    assert len(everything) == PAGE_SIZE
    following = re.search(r'href="([^"]+)" rel="next"', client.get("/").text)
    assert following is not None
    second = client.get(f"/{unescape(following[1])}").text
    everything += shown(second)
    assert len(everything) == len(set(everything)) == PAGE_SIZE + 5
    assert 'rel="first"' in second
    assert 'rel="next"' not in second
    assert everything == sorted(everything, reverse=True)
    assert shown(client.get("/?sort=started").text)[0] == everything[-1]
    found = shown(client.get("/", params={"q": 'fatigue>=3 and hardware_model~"x1"'}).text)
    assert len(found) == 10
    assert shown(client.get("/", params={"q": "nosuch=1"}).text) == []
    refused = client.get("/", params={"q": "fatigue>="})
    assert (refused.status_code, "at character" in refused.text) == (422, True)
    assert client.get("/?after=nonsense&sort=nonsense").status_code == 200


def test_what_is_on_its_way_and_what_a_lab_machine_reported_is_there(
    client: TestClient, workspace: Workspace, tmp_path: Path
) -> None:
    many(workspace, tmp_path, 1)
    key = make_key(workspace.engine, dataset=LAB.dataset).split("_")[1]
    coming = announced({"a.bin": b"a"}, dataset=LAB.dataset)
    with workspace.engine.begin() as connection:
        announce(connection, coming, lab="sleep-lab", key=key, prefix="raw/recording/x/")
        audit(
            connection, key=key, lab=HOSTILE, address="", action="failure", outcome="done", detail=f"20240229_161221: {HOSTILE}"
        )
    text = client.get("/").text
    assert coming.session in text
    assert "Reported by lab machines" in text
    assert "<script" not in text


def test_what_the_world_wrote_never_becomes_markup(client: TestClient, workspace: Workspace, tmp_path: Path) -> None:
    ship(
        workspace, write_folder(tmp_path, metadata=f"fatigue: {HOSTILE}\nhardware_model: {HOSTILE}\n{HOSTILE[:20]}: {HOSTILE}\n")
    )
    sweep(workspace)
    judge_recordings(workspace)
    for asked in (
        {},
        {"q": f"hardware_model='{HOSTILE}"},
        {"dataset": HOSTILE},
        {"q": HOSTILE, "after": HOSTILE, "sort": HOSTILE},
    ):
        page = client.get("/", params=asked)
        assert "<script" not in page.text
        assert "<img src=x" not in page.text
    assert client.get("/", params={"q": "x" * 3000}).status_code == 422
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    for method in ("post", "put", "delete"):
        assert getattr(client, method)("/").status_code == 405


def test_page_and_picture_ask_who_is_there(workspace: Workspace) -> None:
    def login(request: Request) -> None:
        if request.headers.get("x-user") != "ada":
            raise HTTPException(401, "not logged in")

    client = TestClient(recordings_app(lambda: contextlib.nullcontext(workspace), dependencies=[Depends(login)]))
    for path, status in (("/", 200), ("/preview?dataset=x&session=s&key=y", 404)):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"x-user": "ada"}).status_code == status
