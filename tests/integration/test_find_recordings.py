"""Recordings found by questions about their metadata, over real HTTP, and their files fetched."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from assay.cli import app
from assay.database.finding import SORTS
from assay.database.recordings import MadeFile, Processing, record_processing, replace_variables
from assay.errors import AssayError
from assay.fetch import fetch_files, files, sessions
from assay.fetch.pages import pages
from assay.ingest.arrive import sweep
from assay.serve.ingest.app import ingest_app
from assay.session import Manifest
from assay.ship.api import Api
from assay.ship.problems import Refused
from assay.storage import store_files
from assay.workspace import Workspace
from click.testing import Result
from fastapi import FastAPI
from ingest_server import IngestServer
from made_recordings import LAB, make_key, manifest_of, sha256
from starlette.testclient import TestClient
from typer.testing import CliRunner

pytestmark = pytest.mark.enable_socket

COUNT = 12


def note(n: int) -> str:
    """As long as, a little shorter and a little longer than what the index holds of a text."""
    return "é" * (100 - COUNT // 2 + n)


def fill(workspace: Workspace, tmp_path: Path, lab: str = LAB) -> list[Manifest]:
    """Sessions with fatigue 0 to 5 and hardware X1 or Y2, registered as they arrive, one processed file each."""
    made = []
    for n in range(COUNT):
        contents = {"metadata.txt": f"fatigue: {n % 6}".encode(), "eeg.bin": random.Random(n).randbytes(1000 + n)}
        manifest = manifest_of(contents, lab=lab, folder=f"{lab}-{n}")
        folder = tmp_path / manifest.session
        folder.mkdir()
        for path, content in contents.items():
            (folder / path).write_bytes(content)
        store_files(workspace.storage, {path: folder / path for path in contents}, manifest)
        made.append(manifest)
    assert len(sweep(workspace)) == COUNT
    with workspace.engine.begin() as connection:
        rows = []
        for n, manifest in enumerate(made):
            rows.append((manifest.session, "fatigue", lab, f"{lab}/v1", True, float(n % 6), str(n % 6), "1", True))
            model = "X1 rev 2" if n % 2 else "Y2; it's"
            rows.append((manifest.session, "hardware_model", lab, f"{lab}/v1", False, None, model, "", True))
            rows.append((manifest.session, "note", lab, f"{lab}/v1", False, None, note(n), "", True))
        replace_variables(connection, "default", [manifest.session for manifest in made], rows)
    for n, manifest in enumerate(made):
        content = b"made of it" * n
        key = f"processed/recording/{manifest.session}/eeg-{n}.parquet"
        workspace.storage.write(key, content)
        file = MadeFile(key, "application/vnd.apache.parquet", len(content), sha256(content))
        with workspace.engine.begin() as connection:
            record_processing(
                connection, "default", Processing(manifest.session, "eeg.bin", "copy", "1", "0" * 64, files=(file,))
            )
    return made


@pytest.fixture
def server(workspace: Workspace, tmp_path: Path) -> Iterator[IngestServer]:
    fill(workspace, tmp_path)
    running = IngestServer(ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace)))
    yield running
    running.stop()


@pytest.fixture
def api(server: IngestServer, workspace: Workspace) -> Iterator[Api]:
    made = Api(server.url, make_key(workspace.engine, rights=["read"]), attempts=1)
    yield made
    made.close()


def found(api: Api, query: str, **asked: Any) -> set[int]:
    """The numbers of the sessions that answer."""
    rows = [row for _, page in pages(api, "sessions", q=query, **asked) for row in page]
    assert len({row["session"] for row in rows}) == len(rows)
    return {int(row["folder"].rpartition("-")[2]) for row in rows}


def test_questions_get_what_they_ask_for(api: Api) -> None:
    everything = set(range(COUNT))
    assert found(api, "") == everything
    assert found(api, 'fatigue>=3 and hardware_model~"X1"') == {n for n in everything if n % 6 >= 3 and n % 2}
    assert found(api, "fatigue in (1, 5) or fatigue=0") == {n for n in everything if n % 6 in (0, 1, 5)}
    assert found(api, "not fatigue=3") == {n for n in everything if n % 6 != 3}
    assert found(api, "hardware_model='Y2; it\\'s'") == {n for n in everything if not n % 2}
    assert found(api, "hardware_model!~x1") == {n for n in everything if not n % 2}
    assert found(api, "nosuch=1") == set()
    assert found(api, "not nosuch=1") == everything
    assert found(api, f"folder={LAB}-7 or folder={LAB}-8") == {7, 8}
    assert found(api, "started>=2024-02-29 and started<2024-03-01") == everything
    assert found(api, "started>2024-02-29T15:12:21Z") == set()
    assert found(api, "state=arrived") == everything
    assert found(api, "fatigue>4.5") == {5, 11}


def test_a_text_is_equal_as_a_whole_however_long(api: Api) -> None:
    for n in range(COUNT):
        assert found(api, f"note='{note(n)}'") == {n}
    assert found(api, f"note='{note(0)[:-1]}'") == found(api, f"note='{note(COUNT)}'") == set()


@pytest.mark.parametrize("sort", SORTS)
def test_pages_are_stable_while_sessions_arrive(api: Api, workspace: Workspace, tmp_path: Path, sort: str) -> None:
    seen: list[str] = []
    for number, (_, page) in enumerate(pages(api, "sessions", limit=5, sort=sort)):
        seen += [row["folder"] for row in page]
        if number == 0:
            late = manifest_of({"late.bin": sort.encode()}, folder="late-1")
            (tmp_path / "late.bin").write_bytes(sort.encode())
            store_files(workspace.storage, {"late.bin": tmp_path / "late.bin"}, late)
            assert sweep(workspace) == [late.session]
    assert len(seen) == len(set(seen))
    assert {f"{LAB}-{n}" for n in range(COUNT)} <= set(seen)


def test_what_is_no_question_is_refused_with_the_place(api: Api) -> None:
    for query in ("fatigue>=", "fatigue>high", "a=1; DROP TABLE assay.sessions", "x" * 3000, "(" * 50):
        with pytest.raises(Refused, match="422"):
            found(api, query)
    for after in ("x", "W10", "bnVsbA", "WyIyMDI0IiwgIngiLCAiIiwgIiJd"):
        with pytest.raises(Refused, match="422"):
            found(api, "", after=after)


def test_another_labs_recordings_are_not_there(server: IngestServer, workspace: Workspace, tmp_path: Path) -> None:
    other = Api(server.url, make_key(workspace.engine, lab="other-lab", rights=["read"]), attempts=1)
    uploader = Api(server.url, make_key(workspace.engine, rights=["upload"]), attempts=1)
    try:
        assert found(other, "") == found(other, f"lab={LAB}") == found(other, "not lab=x") == set()
        with pytest.raises(Refused, match="403"):
            found(uploader, "")
    finally:
        other.close()
        uploader.close()


def test_files_are_fetched_once_resumed_and_checked(api: Api, workspace: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "target"
    query = "fatigue>=4"
    done = fetch_files(api, query, target, raw=True)
    assert (done.fetched, done.there) == (8, 0)
    got = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert len(got) == 8
    for name, content in got.items():
        session, path = name.split("/", 1)
        key = next(item.key for item in workspace.storage.list("raw") if item.key.endswith(f"{session}/{path}"))
        assert workspace.storage.read(key) == content
    victim, whole = next((target / name, content) for name, content in got.items() if name.endswith("eeg.bin"))
    victim.unlink()
    part = victim.with_name(f"eeg.bin.{sha256(whole)[:12]}.part")
    part.write_bytes(whole[:500])
    sent: list[int] = []
    assert fetch_files(api, query, target, raw=True, tick=sent.append).fetched == 1
    assert (victim.read_bytes(), len(whole) - 500 in sent, part.exists()) == (whole, True, False)
    victim.write_bytes(b"spoiled" + whole[7:])
    part.write_bytes(b"spoiled")
    assert fetch_files(api, query, target, raw=True).fetched == 1
    assert victim.read_bytes() == whole
    made = fetch_files(api, query, target)
    assert (made.fetched, {path.suffix for path in target.rglob("*.parquet")}) == (4, {".parquet"})


def test_a_file_that_is_not_what_is_stated_is_not_given_its_name_and_stops_no_other(
    api: Api, workspace: Workspace, tmp_path: Path
) -> None:
    key = next(item.key for item in workspace.storage.list("processed") if item.size)
    workspace.storage.write(key, b"x" * (workspace.storage.size(key) or 0))
    with pytest.raises(AssayError, match=f"not fetched: 1 of {COUNT} files: .*other bytes than stated"):
        fetch_files(api, "", tmp_path / "target")
    names = {path.name for path in (tmp_path / "target").rglob("*") if path.is_file()}
    assert names == {item.key.rpartition("/")[2] for item in workspace.storage.list("processed")} - {key.rpartition("/")[2]}


class Cuts:
    """An application whose connection breaks after so many bytes of a file, again and again; `asked`: where it went on."""

    def __init__(self, app: FastAPI, after: int) -> None:
        self._app, self._after, self.asked = app, after, list[str]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not scope["path"].startswith("/v1/objects/"):
            await self._app(scope, receive, send)
            return
        self.asked.append(dict(scope["headers"]).get(b"range", b"bytes=0-").decode())
        sent = 0

        async def cut(message: Any) -> None:
            nonlocal sent
            body = message.get("body", b"")
            await send({**message, "body": body[: self._after - sent], "more_body": True} if body else message)
            sent += len(body)
            if sent > self._after:
                raise ConnectionError("cut")

        await self._app(scope, receive, cut)


def test_a_download_that_is_cut_again_and_again_goes_on_where_it_was(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace, tmp_path)
    cuts = Cuts(ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace)), after=300)
    server = IngestServer(cuts)
    api = Api(server.url, make_key(workspace.engine, rights=["read"]), attempts=2, sleep=lambda seconds: None)
    ticks: list[int] = []
    try:
        done = fetch_files(api, f"folder={LAB}-7", tmp_path / "target", raw=True, tick=ticks.append)
    finally:
        api.close()
        server.stop()
    (whole,) = (path for path in (tmp_path / "target").rglob("eeg.bin"))
    assert whole.read_bytes() == random.Random(7).randbytes(1007)
    assert [each for each in cuts.asked if each != "bytes=0-"] == ["bytes=300-", "bytes=600-", "bytes=900-"]
    assert sum(ticks) == done.bytes == len("fatigue: 1") + 1007


def test_whoever_stops_waiting_keeps_what_is_there(api: Api, tmp_path: Path) -> None:
    def enough(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_files(api, "", tmp_path / "target", raw=True, tick=enough)
    assert not list((tmp_path / "target").rglob("*.bin"))
    assert fetch_files(api, "", tmp_path / "target", raw=True).fetched == 2 * COUNT


def test_a_folder_that_cannot_be_written_is_named(api: Api, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("in the way")
    with pytest.raises(AssayError, match=r"target/.*: cannot be written: .*run it again"):
        fetch_files(api, "", tmp_path / "target")


def test_the_command_lists_fetches_and_goes_on(server: IngestServer, workspace: Workspace, tmp_path: Path) -> None:
    environment = {"ASSAY_FETCH_URL": server.url, "ASSAY_FETCH_KEY": make_key(workspace.engine, rights=["read"])}

    def run(*arguments: str, **changes: str) -> Result:
        return CliRunner().invoke(app, ["fetch", *arguments], env={**environment, **changes})

    listed = json.loads(run("fatigue=5", "--json").stdout)
    assert [line.split("\t") for line in run("fatigue=5").stdout.splitlines()] == [
        [row["uri"], str(row["size"]), row["sha256"]] for row in listed
    ]
    assert len(listed) == 2
    assert json.loads(run("fatigue=99", "--json").stdout) == []

    target = str(tmp_path / "found")
    size = sum(row["size"] for row in listed)
    first, again = run("fatigue=5", target), run("fatigue=5", target)
    assert f"2 files, {size / 1e6:.1f} MB" in first.stderr
    assert first.stdout.startswith("fetched 2 files, 0 were there")
    assert again.stdout.startswith("fetched 0 files, 2 were there")
    assert {path.name for path in (tmp_path / "found").rglob("*.parquet")} == {row["name"].rpartition("/")[2] for row in listed}

    for changes, message in (
        ({"ASSAY_FETCH_KEY": ""}, "ASSAY_FETCH_URL, ASSAY_FETCH_KEY: found nothing"),
        ({"ASSAY_FETCH_URL": "nowhere"}, "ASSAY_FETCH_URL: found 'nowhere'"),
        ({"ASSAY_FETCH_URL": f"{server.url}docs/"}, "v1/token: 404"),
    ):
        with pytest.raises(AssayError, match=message):
            raise run("", target, **changes).exception or AssertionError(f"{changes} was taken")


def test_one_line_gives_a_table(server: IngestServer, workspace: Workspace) -> None:
    settings = workspace.settings.model_copy(
        update={"fetch_url": server.url, "fetch_key": _Secret(make_key(workspace.engine, rights=["read"]))}
    )
    frame = sessions("fatigue>=3", settings=settings)
    assert frame.groupby("hardware_model")["fatigue"].mean().to_dict() == {"X1 rev 2": 4.0, "Y2; it's": 4.0}
    assert isinstance(frame["started_at"].dtype, pd.DatetimeTZDtype)
    assert set(files("fatigue=5", settings=settings)["media_type"]) == {"application/vnd.apache.parquet"}


class _Secret:
    def __init__(self, value: str) -> None:
        self.get_secret_value = lambda: value


def test_a_ticket_for_one_store_does_not_open_the_other(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace, tmp_path)
    with TestClient(ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace))) as http:
        token = http.post("/v1/token", headers={"Authorization": f"Bearer {make_key(workspace.engine, rights=['read'])}"}).json()[
            "access_token"
        ]
        row = http.get("/v1/files?limit=1", headers={"Authorization": f"Bearer {token}"}).json()["files"][0]
        assert http.get("/" + row["request"]["url"]).status_code == 200
        assert http.put("/" + row["request"]["url"], content=b"x").status_code == 403
