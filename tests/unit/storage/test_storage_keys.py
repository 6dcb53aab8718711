"""Which keys and URLs a store takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.errors import StorageError
from assay.session import is_safe_path
from assay.storage import Storage
from assay.storage.interface import MAX_KEY_BYTES, check_key
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "a/./b",
        ".incoming/x",
        ".hidden",
        "a\\b",
        "c:/x",
        "a\nb",
        "a\x00b",
        "a\x7fb",
        "\ud800",
    ],
)
def test_a_key_that_leaves_the_store_or_hides_is_refused(key: str) -> None:
    with pytest.raises(StorageError):
        check_key(key)


def test_a_key_may_be_as_long_as_in_s3_and_no_longer() -> None:
    check_key("/".join(["é" * 100] * 5) + "/" + "b" * (MAX_KEY_BYTES - 1005))
    with pytest.raises(StorageError, match="longer than 1024 bytes"):
        check_key("/".join(["é" * 100] * 5) + "/" + "b" * (MAX_KEY_BYTES - 1004))


@given(st.text(alphabet="ab.=_-/\\: é\n", max_size=12))
def test_any_key_is_judged_alike_by_the_quick_and_by_the_thorough_way(key: str) -> None:
    thorough = bool(key) and all(is_safe_path(part) for part in key.split("/")) and not key.startswith(".")
    try:
        check_key(key)
    except StorageError:
        assert not thorough
    else:
        assert thorough


@pytest.mark.parametrize(
    "url", ["", "var/storage", "/var/storage", "file:relative", "file://host/folder", "s3:///prefix", "http://x/y", "s3:bucket"]
)
def test_a_url_of_no_store_is_refused_with_the_two_forms(url: str) -> None:
    with pytest.raises(StorageError, match=r"file:///folder or s3://bucket/prefix"):
        Storage.open(url)


def test_a_folder_with_blanks_and_accents_is_a_store(tmp_path: Path) -> None:
    folder = tmp_path / "mes données #1 100%"
    storage = Storage.open(folder.as_uri())
    storage.write("a", b"x")
    assert (folder / "a").read_bytes() == b"x"
    assert storage.url == folder.as_uri()
