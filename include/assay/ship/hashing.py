"""SHA-256 of a file and of its parts, in one pass with bounded memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError
from assay.storage.uploads import hash_part, part_sizes


class FileChanged(AssayError):
    """A file is not what it was when its hash was taken: the folder is not complete after all."""


@dataclass(frozen=True)
class Hashed:
    """A file as it was when it was read: size, time of the last change, SHA-256 of the whole and of each part (hex)."""

    path: str
    size: int
    changed_ns: int
    sha256: str
    parts: tuple[str, ...]

    def check(self, file: Path) -> None:
        """Raise FileChanged when the file has another size or time now."""
        try:
            about = file.stat()
        except OSError as error:
            raise FileChanged(f"{file}: {error.strerror}; it was there when its hash was taken") from None
        if (about.st_size, about.st_mtime_ns) != (self.size, self.changed_ns):
            raise FileChanged(f"{file}: changed after its hash was taken ({self.size} bytes then, {about.st_size} now)")


def hash_file(folder: Path, path: str, tick: Callable[[int], None] = lambda _: None) -> Hashed:
    """Hash a file of a folder; `tick` is told of bytes read. Raises FileChanged when it changes meanwhile, OSError."""
    with (folder / path).open("rb") as stream:
        before = os.fstat(stream.fileno())
        whole, parts = hashlib.sha256(), []
        for size in part_sizes(before.st_size) or [0]:
            try:
                parts.append(hash_part(stream, size, whole, tick))
            except EOFError:
                raise FileChanged(f"{folder / path}: became shorter while it was read") from None
    hashed = Hashed(path, before.st_size, before.st_mtime_ns, whole.hexdigest(), tuple(parts))
    hashed.check(folder / path)
    return hashed
