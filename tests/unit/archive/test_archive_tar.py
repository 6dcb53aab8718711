"""The archive's own file format: the same files give the same bytes, others read it, and what is not ours is refused."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard
from assay.archive.tar import Content, Packed, TarWriter, lines, members
from assay.errors import ArchiveError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LONG = "raw/instance_benchmark/2025/06/29/20250629T120000Z-0123456789ab/" + "/".join(["deep" * 20] * 5) + "/ä.txt"
FILES = {"raw/a/manifest.json": b"{}", LONG: b"x" * 1_500_000, "raw/b/empty": b"", "raw/b/x" * 14: os.urandom(700)}


def write(path: Path, files: dict[str, bytes]) -> Packed:
    with TarWriter(path) as tar:
        for name, data in files.items():
            assert tar.add(name, len(data), (data,)) == hashlib.sha256(data).hexdigest()
    assert tar.packed is not None
    return tar.packed


def content(raw: bytes, stated: Packed | None = None, piece: int = 1000) -> Content:
    pieces = (raw[start : start + piece] for start in range(0, len(raw), piece))
    size = len(zstandard.ZstdDecompressor().stream_reader(raw).read()) if stated is None else 0
    return Content(pieces, "here", stated or Packed(len(raw), hashlib.sha256(raw).hexdigest(), size))


def read(raw: bytes, stated: Packed | None = None) -> dict[str, bytes]:
    return {member.name: b"".join(member.pieces) for member in members(content(raw, stated))}


def foreign(*added: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar as others write it, compressed."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in added:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return zstandard.compress(plain.getvalue())


def info(name: str, **fields: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def test_the_same_files_give_the_same_bytes_whenever_they_are_packed(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one", FILES), write(tmp_path / "other", FILES)
    assert one == other
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert one.bytes == (tmp_path / "one").stat().st_size


def test_pieces_of_any_length_give_the_same_bytes(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    for number, size in enumerate((1, 7_919, 300_000)):
        with TarWriter(tmp_path / f"{number}") as tar:
            tar.add("a", len(data), (data[start : start + size] for start in range(0, len(data), size)))
    assert len({(tmp_path / f"{number}").read_bytes() for number in range(3)}) == 1


def test_any_tar_opens_it(tmp_path: Path) -> None:
    write(tmp_path / "one", FILES)
    plain = zstandard.ZstdDecompressor().stream_reader((tmp_path / "one").read_bytes()).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        assert {(member.mtime, member.uid, member.gid, member.mode, member.uname) for member in tar} == {(0, 0, 0, 0o644, "")}
    assert found == FILES


def test_what_was_packed_is_read(tmp_path: Path) -> None:
    packed = write(tmp_path / "one", FILES)
    assert read((tmp_path / "one").read_bytes(), packed) == FILES


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(
            st.characters(codec="utf-8", exclude_characters="/\\:\x7f", exclude_categories=("Cc", "Cs")), min_size=1, max_size=200
        ).filter(lambda name: name not in (".", "..")),
        st.binary(max_size=2_000),
        max_size=5,
    )
)
def test_any_files_come_back(tmp_path: Path, files: dict[str, bytes]) -> None:
    packed = write(tmp_path / "any", files)
    assert read((tmp_path / "any").read_bytes(), packed) == files


def test_a_file_that_changes_while_it_is_packed_is_refused(tmp_path: Path) -> None:
    with TarWriter(tmp_path / "one") as tar, pytest.raises(ArchiveError, match="has 3 bytes, the listing said 4"):
        tar.add("a", 4, (b"abc",))


@pytest.mark.parametrize(
    "name",
    ["../escape", "/etc/passwd", "a/../../b", "a//b", "c:/x", "a\\b", "a\nb", "."],
)
def test_a_name_that_leaves_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ArchiveError, match="safe names"):
        read(foreign((info(name), b"x")))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_only_files_are_taken(kind: bytes) -> None:
    with pytest.raises(ArchiveError, match="safe names"):
        read(foreign((info("a", type=kind, linkname="/etc/passwd"), b"")))


def test_an_extended_header_holds_a_path_and_nothing_else() -> None:
    for headers in ({"size": "5"}, {"path": "a", "mtime": "1.5"}, {"comment": "x" * 100_000}):
        with pytest.raises(ArchiveError, match=r"extended header|safe names"):
            read(foreign((info("a", pax_headers=headers), b"x")))


def test_an_archive_that_is_cut_short_or_changed_is_refused(tmp_path: Path) -> None:
    packed = write(tmp_path / "one", FILES)
    raw = (tmp_path / "one").read_bytes()
    middle = len(raw) // 2
    changed = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
    for wrong in (raw[:-1], raw[:middle], b"", changed, raw + b"x", raw[:4], b"no archive at all"):
        with pytest.raises(ArchiveError):
            read(wrong, packed)


def test_a_bomb_stops_at_what_was_stated() -> None:
    raw = zstandard.compress(b"\0" * 50_000_000)
    bomb = Content([raw], "here", Packed(len(raw), hashlib.sha256(raw).hexdigest(), 10_000))
    with pytest.raises(ArchiveError, match="unpacks to more than the 10000 bytes"):
        bomb.finish()
    with pytest.raises(ArchiveError, match="larger than the 10 bytes"):
        Content([raw], "here", Packed(10, "", 10_000)).finish()


def test_a_window_that_would_take_all_memory_is_refused() -> None:
    window_of_1_gib, one_byte = bytes([(30 - 10) << 3]), b"\x09\x00\x00x"
    raw = b"\x28\xb5\x2f\xfd\x00" + window_of_1_gib + one_byte
    assert zstandard.get_frame_parameters(raw).window_size == 1 << 30
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        Content([raw], "here", Packed(len(raw), hashlib.sha256(raw).hexdigest(), 1)).finish()


def test_lines_are_bounded_and_whole() -> None:
    def of(text: bytes, longest: int = 100) -> list[bytes]:
        return list(lines(content(zstandard.ZstdCompressor().compress(text)), longest))

    assert of(b"a\nbb\n") == [b"a", b"bb"]
    assert of(b"") == []
    with pytest.raises(ArchiveError, match="cut short"):
        of(b"a\nb")
    with pytest.raises(ArchiveError, match="more than 100 bytes"):
        of(b"x" * 2_000_000)


def test_a_member_that_was_not_read_is_a_mistake_of_ours(tmp_path: Path) -> None:
    packed = write(tmp_path / "one", {"a": b"x" * 10, "b": b"y"})
    found = members(content((tmp_path / "one").read_bytes(), packed))
    next(found)
    with pytest.raises(ValueError, match="were not read"):
        next(found)
