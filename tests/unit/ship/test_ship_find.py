"""Which folders of a lab machine are complete, and what is left alone."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from assay.ship import find
from assay.ship.find import Found, find_folders
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_700_000_000.0


def make(folder: Path, *files: str, at: float = NOW) -> Path:
    folder.mkdir()
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (at, at))
    return folder


def names(found: list[Found]) -> list[str]:
    return [each.folder.name for each in found]


def test_folders_that_hold_something_are_found_by_name_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path / "20240229_161221", "eeg.bin")
    make(tmp_path / "20240228_090000", "deep/eeg.bin")
    make(tmp_path / "20240301_090000")
    make(tmp_path / ".hidden", "eeg.bin")
    (tmp_path / "link").symlink_to(tmp_path / "20240229_161221")
    (tmp_path / "notes.txt").write_text("no folder")
    assert names(find_folders(tmp_path)) == ["20240228_090000", "20240229_161221"]


def test_a_fingerprint_changes_with_a_name_a_size_or_a_time(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", "one.bin")
    seen = set()

    def look() -> None:
        (found,) = find_folders(tmp_path)
        assert found.fingerprint not in seen
        seen.add(found.fingerprint)

    look()
    (folder / "one.bin").rename(folder / "two.bin")
    look()
    (folder / "two.bin").write_bytes(b"xx")
    look()
    os.utime(folder / "two.bin", (NOW + 1, NOW + 1))
    look()
    assert [one.fingerprint for one in find_folders(tmp_path)] == [one.fingerprint for one in find_folders(tmp_path)]


def test_a_marker_says_that_nothing_more_comes_and_without_one_time_does(tmp_path: Path) -> None:
    make(tmp_path / "a", "eeg.bin", "DONE")
    make(tmp_path / "b", "eeg.bin")
    by_marker = {each.folder.name: each.is_complete(NOW + 1, 300, "DONE") for each in find_folders(tmp_path, "DONE")}
    assert by_marker == {"a": True, "b": False}
    (_, quiet) = find_folders(tmp_path)
    assert not quiet.is_complete(NOW + 299, 300, None)
    assert quiet.is_complete(NOW + 300, 300, None)


@given(st.floats(0, 1e10), st.floats(0, 1e10), st.floats(1, 1e6))
def test_a_clock_that_was_set_back_does_not_keep_a_folder_for_ever(now: float, newest: float, quiet: float) -> None:
    found = Found(Path("a"), "", newest, marked=False)
    assert found.is_complete(max(now, newest + quiet) + quiet, quiet, None)
    assert found.is_complete(now, quiet, None) == (abs(now - newest) >= quiet)


def test_of_too_many_folders_the_newest_are_looked_at_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(find, "MAX_FOLDERS", 2)
    for day in ("20240101", "20240102", "20240103"):
        make(tmp_path / day, "eeg.bin")
    with caplog.at_level(logging.WARNING):
        assert names(find_folders(tmp_path)) == ["20240102", "20240103"]
    assert "holds 3 folders; the last 2 by name are looked at" in caplog.text


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        find_folders(tmp_path / "nowhere")
