"""A zip archive from a stranger -> a folder: bounded in files and bytes, and nothing outside the folder."""

from __future__ import annotations

import contextlib
import errno
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from assay.errors import ManifestError
from assay.session import MAX_FILES, is_safe_path

MAX_TOTAL_BYTES = 512 * 1024 * 1024
"""Unpacked; the largest session of our agent has two megabytes."""

_CHUNK = 1024 * 1024
_ENCRYPTED = 0x1


def unpack(archive: Path, folder: Path, *, max_bytes: int = MAX_TOTAL_BYTES) -> None:
    """Write the archive's files below the folder, which must be empty. What the archive says of sizes is not believed.

    Raises ManifestError, with the name of the member, for an archive that is damaged, encrypted, too large unpacked, or holds a
    link, a path that leaves the folder, a name twice, or a name that is both a file and a folder.
    """
    with _no_archive(), zipfile.ZipFile(archive) as opened:
        members = [member for member in opened.infolist() if not member.is_dir()]
    _check(members)
    left = max_bytes
    for member in members:
        left -= _write(archive, member, folder / member.filename, left)
        if left < 0:
            raise ManifestError(f"more than {max_bytes} bytes unpacked, at {member.filename!r}; expected a session")


@contextlib.contextmanager
def _no_archive() -> Iterator[None]:
    """Every way in which zipfile says that the bytes are no archive, as one; what the disk says stays what it is."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, ValueError, OverflowError) as error:
        raise ManifestError(f"no zip archive that can be read ({error}); pack the session's folder again") from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # a position before the beginning of the file
            raise
        raise ManifestError("no zip archive that can be read; pack the session's folder again") from None


def _check(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_FILES:
        raise ManifestError(f"{len(members)} files; a contribution has at most {MAX_FILES}")
    names: set[str] = set()
    for member in members:
        name = member.filename
        kind = stat.S_IFMT(member.external_attr >> 16)
        if not is_safe_path(name):
            raise ManifestError(f"found the path {name[:120]!r}; expected one that stays inside the folder")
        if kind not in (0, stat.S_IFREG):
            raise ManifestError(f"{name!r}: a link or a device; expected regular files")
        if member.flag_bits & _ENCRYPTED:
            raise ManifestError(f"{name!r}: encrypted; expected an archive without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ManifestError(f"{name!r}: compression method {member.compress_type}; expected deflate or none")
        if name in names:
            raise ManifestError(f"{name!r}: stands twice in the archive")
        names.add(name)
    for name in names:
        parts = name.split("/")
        if any("/".join(parts[:depth]) in names for depth in range(1, len(parts))):
            raise ManifestError(f"{name!r}: lies below a file")


def _write(archive: Path, member: zipfile.ZipInfo, path: Path, left: int) -> int:
    """The bytes written; stops as soon as they are more than are left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with path.open("xb") as target, _no_archive(), zipfile.ZipFile(archive) as opened, opened.open(member) as source:
        while written <= left and (chunk := source.read(_CHUNK)):
            target.write(chunk)
            written += len(chunk)
    return written
