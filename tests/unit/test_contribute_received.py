"""What a contribution holds, and where its bounds are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from assay.collect.importers import Refused
from assay.contribute import received as received_module
from assay.contribute.received import Received, receive
from assay.errors import AssayError

SAMPLE = Path(__file__).parents[1] / "data" / "assay_agent" / "session"


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session as our agent wrote it."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "session"))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def only(path: Path, scratch: Path) -> Received | Refused:
    (one,) = receive(path, scratch)
    return one


def test_a_session_comes_with_every_file_that_lies_in_its_folder(session: Path, scratch: Path) -> None:
    (session / "notes.txt").write_text("not in the manifest")
    found = only(session, scratch)
    assert isinstance(found, Received)
    assert found.source_file == "session/manifest.json"
    assert found.manifest_bytes == (session / "manifest.json").read_bytes()
    assert {file.path for file in found.manifest.files} | {"notes.txt"} == set(found.paths)


def test_a_folder_of_too_many_files_is_not_read(session: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received_module, "MAX_FILES", 3)
    found = only(session, scratch)
    assert isinstance(found, Refused)
    assert "expected at most 3 files" in found.reason


@pytest.mark.parametrize("name", ["session", "result.json"])
def test_a_contribution_that_is_too_large_is_not_read(
    session: Path, scratch: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received_module, "MAX_TOTAL_BYTES", 100)
    path = session.with_name(name)
    if not path.exists():
        path.write_bytes(b" " * 101)
    found = only(path, scratch)
    assert isinstance(found, Refused)
    assert "100" in found.reason
    assert not list(scratch.rglob("result.json")), "it is not copied either"


def test_a_name_that_is_not_safe_everywhere_is_refused(session: Path, scratch: Path) -> None:
    (session / "con\\..\\evil.txt").write_text("x")
    found = only(session, scratch)
    assert isinstance(found, Refused)
    assert "names that are safe on every system" in found.reason


def test_a_file_that_is_called_an_archive_and_is_none_is_refused(tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(b"PK but no archive")
    found = only(tmp_path / "mine.zip", scratch)
    assert isinstance(found, Refused)
    assert found.source_file == "mine.zip"


def test_two_sessions_in_one_folder_are_two(session: Path, scratch: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    shutil.copytree(session, both / "first")
    shutil.copytree(session, both / "second")
    found = list(receive(both, scratch))
    assert [one.source_file for one in found] == ["both/first/manifest.json", "both/second/manifest.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(session: Path, scratch: Path) -> None:
    (session / "manifest.json").chmod(0)
    with pytest.raises(AssayError, match="expected files that can be read"):
        list(receive(session, scratch))
