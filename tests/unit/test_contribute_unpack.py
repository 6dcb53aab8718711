"""Archives from strangers: what is unpacked stays inside the folder and inside its bounds, or nothing is believed."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from assay.contribute.check import Checked, Found, Judged
from assay.contribute.page import MAX_ROWS, lines, markdown, plain
from assay.contribute.unpack import unpack
from assay.errors import ManifestError
from hypothesis import given
from hypothesis import strategies as st


def archive(path: Path, members: dict[str, bytes], **about: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = about.get("mode", stat.S_IFREG | 0o644) << 16
            packed.writestr(member, data)
    return path


def below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    members = {"a/manifest.json": b"{}", "a/stream-all/1/stdout.txt": b"x" * 3_000_000, "empty": b""}
    unpack(archive(tmp_path / "a.zip", members), tmp_path / "out")
    assert below(tmp_path / "out") == members


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "a\\..\\x", "C:/x", "a//b", "./x", "a\nb", "x" * 600, "a/\x1b[31m"]
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ManifestError, match="inside the folder"):
        unpack(archive(tmp_path / "a.zip", {"ok": b"1", name: b"2"}), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.zip", {"link": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    with pytest.raises(ManifestError, match="a link or a device"):
        unpack(packed, tmp_path / "out")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a")])
def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(ManifestError, match="below a file"):
        unpack(archive(tmp_path / "a.zip", dict.fromkeys(names, b"1")), tmp_path / "out")


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            packed.writestr("a", b"2")
    with pytest.raises(ManifestError, match="stands twice"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.zip", {f"zeros-{number}": bytes(20_000_000) for number in range(3)})
    assert packed.stat().st_size < 100_000
    with pytest.raises(ManifestError, match="more than 30000000 bytes"):
        unpack(packed, tmp_path / "out", max_bytes=30_000_000)
    assert sum(len(data) for data in below(tmp_path / "out").values()) < 34_000_000


def test_what_the_archive_says_of_sizes_is_not_believed(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.zip", {"zeros": bytes(5_000_000)})
    raw = packed.read_bytes().replace(struct.pack("<L", 5_000_000), struct.pack("<L", 10))
    packed.write_bytes(raw)
    with pytest.raises(ManifestError):
        unpack(packed, tmp_path / "out", max_bytes=1_000)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.zip", {"a": b"1"})
    raw = bytearray(packed.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    packed.write_bytes(raw)
    with pytest.raises(ManifestError, match="encrypted"):
        unpack(packed, tmp_path / "out")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for number in range(10_001):
            packed.writestr(str(number), b"")
    with pytest.raises(ManifestError, match="10001 files"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@given(st.data())
def test_any_damage_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    raw = bytearray(archive(folder / "a.zip", {"a/b": b"some text " * 100, "c": b"more"}).read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=8)):
        raw[position] = data.draw(st.integers(0, 255))
    damaged = folder / "a.zip"
    damaged.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    with contextlib.suppress(ManifestError):
        unpack(damaged, folder / "out" / "deep", max_bytes=10_000)
    assert {path.name for path in folder.iterdir()} <= {"a.zip", "out"}
    assert not (folder / "out").exists() or {path.name for path in (folder / "out").iterdir()} <= {"deep"}


TRICKS = (
    "[x](https://evil.example) @owner <img src=x> `code` | cell\n# title *b* _i_ ~s~ &lt; :smile: www.evil.example \x00\x1b]8;;"
)


def test_nothing_in_a_contribution_becomes_markup() -> None:
    found = Found(TRICKS, "warning", TRICKS, TRICKS, TRICKS, TRICKS)
    page = markdown(Checked("quarantined", (Judged(TRICKS, "quarantined", TRICKS, TRICKS, TRICKS, findings=(found,)),)))
    rows = [line for line in page.splitlines() if "owner" in line]
    assert len(rows) == 2
    for row in rows:
        for cell in row.strip("| ").split(" | "):
            assert not set(cell) & set("[]()<>`@*_~:!")
    assert len(page.splitlines()) == 11


@given(st.text(max_size=400))
def test_any_text_is_one_line_of_plain_characters(text: str) -> None:
    shown = plain(text)
    assert not set(shown) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 &#;")


def test_a_long_verdict_is_cut_and_says_so() -> None:
    many = tuple(Judged(f"{number}.json", "rejected", reason="no session") for number in range(MAX_ROWS + 5))
    page = markdown(Checked("rejected", many))
    assert f"{MAX_ROWS + 5} sessions" in page
    assert len(page) < 100_000
    assert len(lines(Checked("rejected", many))) == MAX_ROWS + 5
    assert lines(Checked("rejected", ())) == ["nothing was found that could be a session"]


def test_bytes_that_are_no_archive_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(io.BytesIO(b"PK nothing").getvalue())
    with pytest.raises(ManifestError, match="no zip archive"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
