"""A session goes into raw storage whole, or it is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from assay.errors import ManifestError, StorageConflict, StorageError
from assay.session import MANIFEST_NAME, Manifest, SessionKind, Source, hash_folder, raw_prefix
from assay.storage import Storage, find_manifest, store_session

pytestmark = pytest.mark.enable_socket

PREFIX = "raw/instance_benchmark/2024/11/20/{}/"


@pytest.fixture(params=["local", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return (tmp_path / "storage").as_uri()
    return f"s3://{request.getfixturevalue('bucket')}/some/prefix"


@pytest.fixture
def storage(url: str) -> Storage:
    return Storage.open(url)


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[[int], tuple[Path, Manifest]]:
    def make(files: int) -> tuple[Path, Manifest]:
        folder = tmp_path / "session"
        for number in range(files):
            file = folder / f"tool-{number % 5}" / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(os.urandom(2_000))
        return folder, Manifest(
            kind=SessionKind.INSTANCE_BENCHMARK,
            subject="host-0a1b2c3d",
            started_at=datetime(2024, 11, 20, 23, 59, 59, tzinfo=UTC),
            ended_at=datetime(2024, 11, 21, 0, 5, tzinfo=UTC),
            source=Source("assay-agent", "0.1.0", "CC BY 4.0", "measured with Assay"),
            files=hash_folder(folder),
        )

    return make


def stored(storage: Storage) -> dict[str, bytes]:
    return dict(storage.read_many(found.key for found in storage.list("raw")))


def test_a_session_arrives_with_every_file_and_its_manifest(
    storage: Storage, make_folder: Callable[[int], tuple[Path, Manifest]]
) -> None:
    folder, manifest = make_folder(7)
    assert store_session(storage, folder, manifest) is True
    prefix = PREFIX.format(manifest.session)
    expected = {prefix + file.path: (folder / file.path).read_bytes() for file in manifest.files}
    assert stored(storage) == expected | {prefix + MANIFEST_NAME: manifest.to_bytes()}
    assert find_manifest(storage, prefix) == manifest


def test_the_same_session_again_changes_nothing_even_with_other_labels(
    storage: Storage, make_folder: Callable[[int], tuple[Path, Manifest]]
) -> None:
    folder, manifest = make_folder(3)
    store_session(storage, folder, manifest)
    before = stored(storage)
    assert store_session(storage, folder, manifest) is False
    assert store_session(storage, folder, replace(manifest, labels={"note": "second look"}, dataset="other")) is False
    assert stored(storage) == before


def test_a_recording_lies_under_the_day_it_was_received(
    storage: Storage, make_folder: Callable[[int], tuple[Path, Manifest]]
) -> None:
    folder, manifest = make_folder(1)
    recording = replace(manifest, kind=SessionKind.RECORDING)
    assert store_session(storage, folder, recording, day=date(2025, 2, 3)) is True
    assert find_manifest(storage, raw_prefix(SessionKind.RECORDING, date(2025, 2, 3), recording.session)) == recording


def test_a_file_that_changed_after_it_was_hashed_leaves_no_session(
    storage: Storage, make_folder: Callable[[int], tuple[Path, Manifest]]
) -> None:
    folder, manifest = make_folder(3)
    (folder / manifest.files[1].path).write_bytes(b"changed")
    with pytest.raises(StorageError, match="changed after it was hashed"):
        store_session(storage, folder, manifest)
    assert find_manifest(storage, PREFIX.format(manifest.session)) is None


def test_a_file_that_is_missing_is_named_before_anything_is_stored(
    storage: Storage, make_folder: Callable[[int], tuple[Path, Manifest]]
) -> None:
    folder, manifest = make_folder(3)
    (folder / manifest.files[2].path).unlink()
    with pytest.raises(ManifestError, match=manifest.files[2].path):
        store_session(storage, folder, manifest)
    assert stored(storage) == {}


class Forged(Manifest):
    """A manifest that claims another's session id: 48 bits of a digest can be made to collide by whoever wants to."""

    claims = ""

    @property
    def session(self) -> str:
        return self.claims


def test_other_files_under_the_same_session_id_are_a_conflict(
    storage: Storage, make_folder: Callable[[int], tuple[Path, Manifest]]
) -> None:
    folder, manifest = make_folder(2)
    store_session(storage, folder, manifest)
    before = stored(storage)
    Forged.claims = manifest.session
    forged = Forged(
        manifest.kind, manifest.subject, manifest.started_at, manifest.ended_at, manifest.source, files=manifest.files[:1]
    )
    with pytest.raises(StorageConflict, match="is there with other files"):
        store_session(storage, folder, forged)
    assert stored(storage) == before


CHILD = """
import sys
from pathlib import Path
from assay.session import Manifest
from assay.storage import Storage, store_session

folder = Path(sys.argv[2])
manifest = Manifest.parse(Path(sys.argv[3]).read_bytes())
print("ready", flush=True)
store_session(Storage.open(sys.argv[1]), folder, manifest)
"""


@pytest.mark.parametrize("after_files", [1, 40])
def test_killed_before_the_manifest_there_is_no_session_and_a_rerun_completes_it(
    url: str, storage: Storage, make_folder: Callable[[int], tuple[Path, Manifest]], tmp_path: Path, after_files: int
) -> None:
    folder, manifest = make_folder(300 if url.startswith("s3") else 2_000)
    (tmp_path / "manifest.json").write_bytes(manifest.to_bytes())
    command = [sys.executable, "-c", CHILD, url, folder, tmp_path / "manifest.json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 60
        while sum(1 for _ in storage.list("raw")) < after_files and time.monotonic() < deadline:
            pass
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    prefix = PREFIX.format(manifest.session)
    assert after_files <= sum(1 for _ in storage.list("raw")) < len(manifest.files)
    assert find_manifest(storage, prefix) is None
    assert store_session(storage, folder, manifest) is True
    assert find_manifest(storage, prefix) == manifest
    assert len(stored(storage)) == len(manifest.files) + 1
