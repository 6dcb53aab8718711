"""Session, manifest and raw file: what any manifest from outside may do, which is nothing."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from assay.errors import ManifestError
from assay.session import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    Manifest,
    RawFile,
    SessionKind,
    Source,
    hash_folder,
    is_safe_path,
    is_session_id,
    raw_prefix,
    session_id,
)
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2024, 11, 20, 9, 30, 11, tzinfo=UTC)
END = datetime(2024, 11, 20, 9, 31, 0, tzinfo=UTC)
SOURCE = Source("assay-agent", "1", "CC BY 4.0", "us")

segments = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12).filter(lambda part: part.strip("."))
paths = st.lists(segments, min_size=1, max_size=3).map("/".join).filter(lambda path: path != MANIFEST_NAME)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
raw_files = st.lists(st.builds(RawFile, paths, st.integers(0, 2**40), hashes), min_size=1, max_size=5, unique_by=lambda f: f.path)


def manifest(*files: RawFile, **fields: Any) -> Manifest:
    values: dict[str, Any] = {
        "kind": SessionKind.INSTANCE_BENCHMARK,
        "subject": "host-1a2b3c4d",
        "started_at": START,
        "ended_at": END,
        "source": SOURCE,
        "files": files or (RawFile("a.txt", 1, "0" * 64),),
    }
    return Manifest(**(values | fields))


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(manifest().to_bytes()) | fields).encode()


def no_folder_is_a_file(files: list[RawFile]) -> bool:
    names = {file.path for file in files}
    return not any(other.startswith(name + "/") for name in names for other in names)


@given(raw_files.filter(no_folder_is_a_file), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_any_manifest_reads_back_as_it_was_written(files: list[RawFile], labels: dict[str, str]) -> None:
    written = manifest(*files, labels=labels)
    read = Manifest.parse(written.to_bytes())
    assert read.to_bytes() == written.to_bytes()
    assert read.session == written.session
    assert is_session_id(read.session)


@given(raw_files, st.randoms())
def test_the_session_id_does_not_depend_on_the_order_of_files(files: list[RawFile], random: Any) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)
    assert session_id(START, shuffled) == session_id(START, files)


@given(raw_files, hashes)
def test_other_bytes_always_give_another_session(files: list[RawFile], other: str) -> None:
    first = files[0]
    replaced = [RawFile(first.path, first.size, other), *files[1:]]
    assert (session_id(START, replaced) == session_id(START, files)) == (other == first.sha256)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_manifest_or_a_manifest_error(raw: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^here: "):
        Manifest.parse(raw, "here")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(json.loads(manifest().to_bytes()))


@given(st.sampled_from(FIELDS), json_values)
def test_any_field_may_be_replaced_by_any_value_without_a_crash(name: str, value: Any) -> None:
    raw = changed(**{name: value})
    message = MANIFEST_NAME
    try:
        Manifest.parse(raw)
    except ManifestError as error:
        message = str(error)
    assert message.startswith(MANIFEST_NAME)


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "", "a\\b", "c:/x", "a\nb", "a\x00b", "x" * 513, MANIFEST_NAME],
)
def test_a_path_that_leaves_the_folder_is_refused(path: str) -> None:
    raw = changed(files=[{"path": path, "size": 1, "sha256": "0" * 64}])
    with pytest.raises(ManifestError, match=r"files\[0\]"):
        Manifest.parse(raw)
    assert path == MANIFEST_NAME or not is_safe_path(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"manifest_version": 2}, "manifest_version: found 2; expected 1"),
        ({"kind": "table"}, "kind: found 'table'"),
        ({"subject": "a b"}, "subject"),
        ({"dataset": "A"}, "dataset"),
        ({"ended_at": "2024-11-20T09:30:10Z"}, "lies before started_at"),
        ({"started_at": "2024-11-20 09:30:11"}, "started_at: found '2024-11-20 09:30:11'; expected UTC as in"),
        ({"source": {"name": "x"}}, "source: version"),
        ({"labels": []}, "labels"),
        ({"files": []}, "expected a list of 1 to"),
        ({"files": [{"path": "a", "size": -1, "sha256": "0" * 64}]}, "size: found -1"),
        ({"files": [{"path": "a", "size": True, "sha256": "0" * 64}]}, "size: found True"),
        ({"files": [{"path": "a", "size": 1, "sha256": "0"}]}, "expected 64 hex digits"),
        ({"files": [{"path": "a", "size": 1, "sha256": "0" * 64}] * 2}, "listed twice"),
        ({"session": "20241120T093011Z-000000000000"}, "was changed after it was written"),
    ],
)
def test_a_bad_field_is_named_with_what_was_found(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError) as error:
        Manifest.parse(changed(**fields))
    assert message in str(error.value)


def test_a_name_cannot_be_both_a_file_and_a_folder() -> None:
    files = (RawFile("a", 1, "0" * 64), RawFile("a/b", 1, "1" * 64))
    with pytest.raises(ManifestError, match="both a file and a folder"):
        Manifest.parse(manifest(*files).to_bytes())


def test_a_manifest_larger_than_the_limit_is_not_parsed() -> None:
    with pytest.raises(ManifestError, match="expected at most"):
        Manifest.parse(b" " * (MAX_MANIFEST_BYTES + 1))


def test_deep_json_does_not_exhaust_the_stack() -> None:
    with pytest.raises(ManifestError):
        Manifest.parse(b"[" * 200_000)


def test_a_folder_is_hashed_without_its_manifest_and_without_links(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_bytes(b"b")
    (tmp_path / "a.txt").write_bytes(b"")
    (tmp_path / MANIFEST_NAME).write_bytes(b"{}")
    (tmp_path / "link").symlink_to("/etc/hostname")
    assert [(file.path, file.size) for file in hash_folder(tmp_path)] == [("a.txt", 0), ("sub/b.txt", 1)]


def test_raw_files_lie_below_kind_and_day() -> None:
    assert raw_prefix(SessionKind.RECORDING, START.date(), "s") == "raw/recording/2024/11/20/s/"


@pytest.mark.parametrize(
    "fields",
    [
        {"files": [{"path": "\ud800", "size": 1, "sha256": "0" * 64}]},
        {"labels": {"\udfff": "x"}},
        {"labels": {"x": "\ud800"}},
        {"source": {"name": "a", "version": "1", "licence": "x", "attribution": "\udc00", "url": ""}},
    ],
)
def test_half_a_character_anywhere_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="surrogate"):
        Manifest.parse(changed(**fields))


def test_a_whole_character_beyond_the_basic_plane_is_text() -> None:
    assert Manifest.parse(manifest(labels={"x": "\U0001f600"}).to_bytes()).labels == {"x": "\U0001f600"}
    assert Manifest.parse(changed(labels={"x": "\U0001f600"})).labels == {"x": "\U0001f600"}
    assert not is_safe_path("a/\ud800")
