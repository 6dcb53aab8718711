"""Two shippers at once, one of them killed and started again, the API too: everything arrives once, byte for byte."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay.serve.ingest.app import ingest_app
from assay.session import MANIFEST_NAME
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import Workspace
from ingest_server import IngestServer, make_folder
from made_recordings import make_key, sha256
from shippers import finish, kill, start, wait_until

pytestmark = pytest.mark.enable_socket

MIB = 1024 * 1024


@contextlib.contextmanager
def serving(workspace: Workspace, settings: Settings) -> Iterator[IngestServer]:
    server = IngestServer(ingest_app(settings, lambda: contextlib.nullcontext(workspace)))
    yield server
    server.stop()


def test_a_killed_shipper_resumes_beside_another_with_s3_behind(
    workspace: Workspace, aws_emulator: Any, s3: Any, bucket: str, tmp_path: Path
) -> None:
    settings = workspace.settings.model_copy(update={"recordings_url": f"s3://{bucket}/lab"})
    storage = Storage.open(f"s3://{bucket}/lab")
    contents = {"20240229_161221": make_folder(tmp_path / "a", "20240229_161221", 1, 44 * MIB, 1000)}
    contents |= {name: make_folder(tmp_path / "b", name, seed, 5000, 0) for seed, name in enumerate(("20240301_080000", "x"), 2)}

    def parts_sent() -> int:
        return sum(1 for method, path, _ in aws_emulator.requests if method == "PUT" and "partNumber=" in path)

    with serving(workspace, settings) as server:
        one, two = make_key(workspace.engine), make_key(workspace.engine)
        first = start(server.url, one, tmp_path / "home-a", tmp_path / "a", "--bandwidth", "8M", "--at-once", "1")
        second = start(server.url, two, tmp_path / "home-b", tmp_path / "b")
        wait_until(lambda: parts_sent() >= 1)
        kill(first)
        server.stop()
        server.start()
        before = parts_sent()
        peaks = [finish(start(server.url, one, tmp_path / "home-a", tmp_path / "a")), finish(second)]
    print("peak memory of the shippers, MB:", peaks)
    assert before < 3
    assert parts_sent() <= 3 + 2  # the one that was cut, and its fault noted twice at most
    arrived = {item.key: item.size for item in storage.list("raw/recording")}
    manifests = [json.loads(storage.read(key)) for key in arrived if key.endswith(MANIFEST_NAME)]
    assert sorted(each["labels"]["folder"] for each in manifests) == sorted(contents)
    for manifest in manifests:
        prefix = next(key for key in arrived if f"/{manifest['session']}/" in key).partition(manifest["session"])[0]
        for path, content in contents[manifest["labels"]["folder"]].items():
            assert storage.sha256(f"{prefix}{manifest['session']}/{path}") == sha256(content)
    assert max(peaks) < 300


@pytest.mark.full
def test_sessions_of_600_mb_by_two_shippers_one_killed_three_times_and_the_api_twice(
    workspace: Workspace, tmp_path: Path
) -> None:
    names = {"a": ("20240229_161221", "20240229_171221"), "b": ("20240229_181221",)}
    hashes: dict[str, dict[str, str]] = {}
    for directory, folders in names.items():
        for seed, name in enumerate(folders):
            made = make_folder(tmp_path / directory, name, seed + 10 * len(directory), 0)
            for number in range(2):
                with (tmp_path / directory / name / f"big{number}.bin").open("wb") as stream:
                    for _ in range(300):
                        stream.write(os.urandom(MIB))
            hashes[name] = {path: sha256(content) for path, content in made.items()}
            hashes[name] |= {f"big{n}.bin": _sha256_of(tmp_path / directory / name / f"big{n}.bin") for n in range(2)}
    started = time.monotonic()
    with serving(workspace, workspace.settings) as server:
        one, two = make_key(workspace.engine), make_key(workspace.engine)
        second = start(server.url, two, tmp_path / "home-b", tmp_path / "b", "--quiet", "0")
        for attempt in range(3):
            first = start(server.url, one, tmp_path / "home-a", tmp_path / "a", "--quiet", "0")
            time.sleep(8)
            kill(first)
            if attempt < 2:
                server.stop()
                server.start()
        peaks = [finish(start(server.url, one, tmp_path / "home-a", tmp_path / "a", "--quiet", "0")), finish(second)]
    print(f"peak memory of the shippers, MB: {peaks}; {time.monotonic() - started:.0f} s")
    storage = workspace.storage
    manifests = [json.loads(storage.read(i.key)) for i in storage.list("raw/recording") if i.key.endswith(MANIFEST_NAME)]
    assert sorted(each["labels"]["folder"] for each in manifests) == sorted(hashes)
    for item in storage.list("raw/recording"):
        manifest = next(each for each in manifests if f"/{each['session']}/" in item.key)
        path = item.key.partition(f"/{manifest['session']}/")[2]
        if path != MANIFEST_NAME:
            assert storage.sha256(item.key) == hashes[manifest["labels"]["folder"]][path]
    assert max(peaks) < 300


def _sha256_of(path: Path) -> str:
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
