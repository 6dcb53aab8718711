"""What a processor is: something that knows a file type, and makes files of one raw file of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

PARQUET = "application/vnd.apache.parquet"
PNG = "image/png"
BYTES = "application/octet-stream"

COPIED = "copied"
GAPS = "gaps"
CLIPPED = "clipped"


class Broken(Exception):
    """A data file is not what its format says; the message tells where and what. Nothing is kept of what was made of it."""


@dataclass(frozen=True)
class RawInput:
    """One raw file of a session: its id, the file's path within it, the bytes on the disk, and their SHA-256 (hex)."""

    session: str
    path: str
    file: Path
    sha256: str


@dataclass(frozen=True)
class Output:
    """A file that was made: its name, where it lies on the disk, and its media type."""

    name: str
    file: Path
    media_type: str


@dataclass(frozen=True)
class Made:
    """What came of a raw file: files, what a person should know (COPIED, GAPS, CLIPPED), and what was found."""

    outputs: tuple[Output, ...]
    flags: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Processor(Protocol):
    """A module in `processors/`. Raise VERSION when the same bytes give other files. APART: it runs in a process of its own, as
    whatever has a library read what others wrote should."""

    NAME: str
    VERSION: str
    APART: bool

    def accepts(self, path: str, head: bytes) -> bool:
        """Whether a file of this name that begins with these bytes (HEAD_BYTES at most) is of its type."""

    def process(self, raw: RawInput, folder: Path) -> Made:
        """Make files of it in an empty folder; memory does not grow with its size. Raises Broken, and then nothing counts."""


HEAD_BYTES = 512
