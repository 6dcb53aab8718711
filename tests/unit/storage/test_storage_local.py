"""What only a local folder can do wrong."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from assay.errors import StorageError
from assay.session import is_safe_path
from assay.storage import Storage
from hypothesis import given, settings
from hypothesis import strategies as st
from other_user import NEEDS_ROOT, OTHER, run_as_other

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda name: is_safe_path(name) and not name.startswith(".") and "/" not in name
)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@given(folders=st.lists(NAMES, max_size=2), name=NAMES, data=st.binary(max_size=50))
@settings(max_examples=50, deadline=None)
def test_any_safe_key_gives_back_its_bytes_and_is_listed_as_itself(
    folders: list[str], name: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    storage = Storage.open(tmp_path_factory.mktemp("any").as_uri())
    key = "/".join([*folders, name])
    assert storage.write_once(key, data, sha256(data))
    assert storage.read(key) == data
    assert [(found.key, found.size) for found in storage.list()] == [(key, len(data))]


@given(keys=st.sets(st.text("ab.-é!/0", min_size=1, max_size=6).filter(is_safe_path), max_size=12))
@settings(max_examples=50, deadline=None)
def test_any_listing_is_in_the_order_of_the_keys_bytes(keys: set[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    storage = Storage.open(tmp_path_factory.mktemp("order").as_uri())
    stored = set()
    for key in sorted(keys):
        if not key.startswith(".") and not any(key.startswith(f"{other}/") for other in stored):
            storage.write(key, b"")
            stored.add(key)
    assert [found.key for found in storage.list()] == sorted(stored, key=str.encode)


def test_nothing_half_written_is_ever_listed_or_left(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path.as_uri())
    with pytest.raises(StorageError, match="changed after it was hashed"):
        storage.write_once("a", b"x", sha256(b"y"))
    assert list(storage.list()) == []
    assert list((tmp_path / ".incoming").iterdir()) == []


def test_what_a_killed_process_left_half_written_is_swept_after_a_day(tmp_path: Path) -> None:
    Storage.open(tmp_path.as_uri())
    old, young = tmp_path / ".incoming" / "old", tmp_path / ".incoming" / "young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (1, 1))
    Storage.open(tmp_path.as_uri())
    assert not old.exists()
    assert young.exists()


def test_an_object_where_a_folder_is_needed_is_a_clear_refusal(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path.as_uri())
    storage.write("a", b"x")
    with pytest.raises(StorageError, match="a folder of this name is needed"):
        storage.write_once("a/b", b"y", sha256(b"y"))
    storage.write("c/d", b"x")
    with pytest.raises(StorageError, match="is a folder"):
        storage.write_once("c", b"y", sha256(b"y"))
    assert storage.size("c") is None
    assert storage.size("a/b") is None
    with pytest.raises(FileNotFoundError):
        storage.read("c")
    with pytest.raises(FileNotFoundError):
        storage.read("a/b")


def test_a_name_too_long_for_the_file_system_is_a_clear_refusal(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path.as_uri())
    with pytest.raises(StorageError, match="too long"):
        storage.write("é" * 200, b"x")


def test_deleting_leaves_no_empty_folders(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path.as_uri())
    storage.write("a/b/c/d", b"x")
    storage.write("a/e", b"x")
    storage.delete(["a/b/c/d", "a/nothing", "a/e/under-a-file"])
    assert [found.key for found in storage.list()] == ["a/e"]
    assert not (tmp_path / "a" / "b").exists()


OPEN = """
import sys
from assay.errors import StorageError
from assay.storage import Storage
try:
    Storage.open("file://" + sys.argv[1]).write("a", b"x")
except StorageError as error:
    sys.exit(f"refused: {error}")
"""


@NEEDS_ROOT
@pytest.mark.parametrize("made_before", [True, False])
def test_a_folder_of_another_user_is_a_clear_refusal(made_before: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="assay-storage-") as folder:
        Path(folder).chmod(0o755)
        if made_before:
            Storage.open(Path(folder, "storage").as_uri())
        answer = run_as_other(OPEN, Path(folder, "storage"))
        assert answer.returncode == 1
        assert answer.stderr.startswith("refused: ")
        assert "permission denied; it belongs to another user" in answer.stderr
        assert "ASSAY_HOME" in answer.stderr


@NEEDS_ROOT
def test_an_ordinary_user_stores_in_a_folder_of_its_own() -> None:
    with tempfile.TemporaryDirectory(prefix="assay-storage-") as folder:
        os.chown(folder, OTHER, OTHER)
        answer = run_as_other(OPEN, Path(folder, "storage"))
        assert answer.returncode == 0, answer.stderr
        assert Path(folder, "storage", "a").read_bytes() == b"x"


def test_no_space_left_says_so_and_leaves_what_was_there(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        storage = Storage.open((small / "storage").as_uri())
        storage.write_once("first", b"x" * 1000, sha256(b"x" * 1000))
        with pytest.raises(StorageError, match=r"no space left on the device.*ASSAY_STORAGE_URL"):
            storage.write_once("second", b"x" * 1_000_000, sha256(b"x" * 1_000_000))
        assert [found.key for found in storage.list()] == ["first"]
        storage.delete(["first"])
        assert storage.write_once("third", b"x" * 100_000, sha256(b"x" * 100_000))
    finally:
        subprocess.run(["umount", small], check=True)
