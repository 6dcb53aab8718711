"""Files in one compressed stream, the same bytes for the same files: a tar (POSIX, fixed owner, mode and time) under zstd.

Any `tar --zstd -x` opens it. Writing and reading hold one piece of one file at a time. tarfile makes and parses the headers; its
own reader and writer are not used, because they keep every header that they have seen and believe every size that they are told.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import zstandard

from assay.errors import ArchiveError
from assay.session import is_safe_path

LEVEL = 9
"""Part of an archive's bytes, as the version of the library is; both stand in its index."""

COMPRESSION = f"zstd level {LEVEL}, libzstd {'.'.join(map(str, zstandard.ZSTD_VERSION))}, zstandard {zstandard.__version__}"

_BLOCK = tarfile.BLOCKSIZE
_END = b"\0" * tarfile.RECORDSIZE
_MAX_EXTRA_BYTES = 8 * 1024
"""Of an extended header: it holds nothing but a long path."""

_MAX_WINDOW_BYTES = 128 * 1024 * 1024
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Packed:
    """A finished file: its size and SHA-256, and how many bytes are in it when it is unpacked."""

    bytes: int
    sha256: str
    content_bytes: int


class Compressed:
    """Bytes into a compressed file; `packed` says what became of them once it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.packed: Packed | None = None
        self._content = 0

    def __enter__(self) -> Compressed:
        self._file: IO[bytes] = self.path.open("wb")
        # One frame, one thread, no sizes in the header: nothing but content, level and library decides the bytes.
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=False, threads=0)
        self._zstd = compressor.stream_writer(self._file, closefd=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._zstd.flush(zstandard.FLUSH_FRAME)
        self._file.close()
        if kind is None:
            with self.path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            self.packed = Packed(self.path.stat().st_size, digest, self._content)

    @property
    def compressed_bytes(self) -> int:
        """How many bytes are in the file by now; some more are on their way."""
        return self._file.tell()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._zstd.write(data)
        self._content += len(data)


class TarWriter(Compressed):
    """Files into a compressed tar."""

    def __enter__(self) -> TarWriter:
        super().__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.write(_END)
        super().__exit__(kind, error, trace)

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> str:
        """Append one file and give its SHA-256. Raises ArchiveError if it has another size: it changed meanwhile."""
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = size, 0o644, 0
        self.write(header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        digest, written = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            written += len(piece)
            self.write(piece)
        if written != size:
            raise ArchiveError(f"{name}: has {written} bytes, the listing said {size}: somebody writes there; archive again")
        self.write(b"\0" * (-size % _BLOCK))
        return digest.hexdigest()


@dataclass(frozen=True)
class Member:
    """A file of a tar that is being read. `pieces` must be used up before the next member is asked for."""

    name: str
    size: int
    pieces: Iterator[bytes]


class Content:
    """The unpacked bytes of a compressed file that comes in pieces. Raises ArchiveError where they are not what was stated."""

    def __init__(self, pieces: Iterable[bytes], where: str, stated: Packed) -> None:
        self.where, self.stated = where, stated
        self._digest, self._seen, self._given = hashlib.sha256(), 0, 0
        self._reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).stream_reader(
            _Pieces(self._hashed(pieces)),  # type: ignore[arg-type]
            read_size=_PIECE,
        )

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        parts = []
        while size > 0:
            try:
                part = self._reader.read(min(size, _PIECE))
            except zstandard.ZstdError as error:
                raise ArchiveError(f"{self.where}: cannot be unpacked ({error}): it is not what was put there") from None
            if not part:
                break
            self._given += len(part)
            if self._given > self.stated.content_bytes:
                raise ArchiveError(f"{self.where}: unpacks to more than the {self.stated.content_bytes} bytes that were stated")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def finish(self) -> None:
        """Read what is left and prove that everything was as stated."""
        while self.read(_PIECE):
            pass
        found = (self._seen, self._digest.hexdigest(), self._given)
        if found != (self.stated.bytes, self.stated.sha256, self.stated.content_bytes):
            raise ArchiveError(
                f"{self.where}: has {found[0]} bytes, SHA-256 {found[1]} and unpacks to {found[2]}; stated were "
                f"{self.stated.bytes}, {self.stated.sha256} and {self.stated.content_bytes}"
            )

    def _hashed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._seen += len(piece)
            if self._seen > self.stated.bytes:
                raise ArchiveError(f"{self.where}: is larger than the {self.stated.bytes} bytes that were stated")
            self._digest.update(piece)
            yield piece


def lines(content: Content, longest: int) -> Iterator[bytes]:
    """The lines of a file, without their ends. Raises ArchiveError if one is longer than `longest` bytes."""
    rest = b""
    while piece := content.read(_PIECE):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > longest:
            raise ArchiveError(f"{content.where}: a line has more than {longest} bytes")
    content.finish()
    if rest:
        raise ArchiveError(f"{content.where}: its last line is cut short")


def members(content: Content) -> Iterator[Member]:
    """The files of a tar, one after the other. Raises ArchiveError where it holds anything else, or a name that is not safe."""
    long_name: str | None = None
    while True:
        block = content.read(_BLOCK)
        if block == b"\0" * _BLOCK:
            content.finish()
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ArchiveError(f"{content.where}: is no tar of ours ({error})") from None
        if header.type == tarfile.XHDTYPE and long_name is None and header.size <= _MAX_EXTRA_BYTES:
            long_name = _path(content, header.size)
            continue
        name = header.name if long_name is None else long_name
        long_name = None
        if header.type != tarfile.REGTYPE or not is_safe_path(name) or header.size < 0:
            raise ArchiveError(
                f"{content.where}: holds {name[:120]!r}, type {header.type!r}; expected files with safe names only"
            )
        left = _Left(header.size)
        yield Member(name, header.size, _file(content, name, left))
        if left.bytes:
            raise ValueError(f"{name}: {left.bytes} bytes were not read before the next file was asked for")


@dataclass
class _Left:
    bytes: int


def _file(content: Content, name: str, left: _Left) -> Iterator[bytes]:
    size = left.bytes
    while left.bytes:
        piece = content.read(min(left.bytes, _PIECE))
        if not piece:
            raise ArchiveError(f"{content.where}: ends inside {name}")
        left.bytes -= len(piece)
        yield piece
    content.read(-size % _BLOCK)


def _path(content: Content, size: int) -> str:
    """The path in an extended header, which holds nothing else: `<length> path=<path>\\n`."""
    raw = content.read(size)
    content.read(-size % _BLOCK)
    length, _, record = raw.partition(b" ")
    keyword, _, value = record.partition(b"=")
    if length != str(size).encode() or keyword != b"path" or not value.endswith(b"\n"):
        raise ArchiveError(f"{content.where}: holds an extended header {raw[:60]!r}; expected a path and nothing else")
    return value[:-1].decode("utf-8", "surrogateescape")


class _Pieces:
    """Pieces as a file to read from, as the decompressor wants it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""
        self.read: Callable[[int], bytes] = self._read

    def _read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        given, self._rest = self._rest[:size], self._rest[size:]
        return given
