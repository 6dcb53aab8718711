"""What lies in archives, read by other means than ours."""

from __future__ import annotations

import hashlib
import io
import tarfile

import zstandard
from assay.storage import Storage


def files_in_archives(storage: Storage) -> dict[str, str]:
    """Every raw file in every volume below `archive/`, with its SHA-256."""
    found: dict[str, str] = {}
    for one in storage.list("archive"):
        if "/raw-" not in one.key:
            continue
        content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(storage.read(one.key))).read()
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                found[member.name] = hashlib.sha256(file.read()).hexdigest()
    return found
