"""A file that is being written: it gets its name when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def arriving(path: Path, *, once: bool = False) -> Iterator[Path]:
    """A path to write to, on the same disk; at the end without an error it takes the place of `path`, otherwise it is gone.

    `once`: raise FileExistsError if there is a `path` by then, instead of replacing it.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        if once:
            os.link(part, path)
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
