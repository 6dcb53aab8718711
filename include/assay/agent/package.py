"""The agent as one file: a zipapp with the same bytes from the same sources, whoever builds it, wherever and whenever."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

from assay.errors import AssayError

SHEBANG = b"#!/usr/bin/env python3\n"
SHARED_MODULES = ("__init__.py", "errors.py", "session.py")

_ENTRY = b"import sys\n\nfrom assay.agent.cli import main\n\nsys.exit(main())\n"
_SUFFIXES = (".py", ".c", ".h")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
_UNIX = 3
_FILE_MODE = 0o100644 << 16


def build_zipapp(target: Path) -> str:
    """Write the agent to `target` in one step and return its SHA-256 (hex).

    It holds `assay/__init__.py`, `errors.py`, `session.py` and everything of `assay/agent`, C sources included; stored, not
    compressed, because compressed bytes differ between versions of zlib. Raises AssayError where the sources are not plain files.
    """
    raw = zipapp_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_bytes(raw)
    partial.chmod(0o755)
    partial.replace(target)
    return hashlib.sha256(raw).hexdigest()


def zipapp_bytes() -> bytes:
    """The bytes of the zipapp."""
    return SHEBANG + _zip(_members(Path(__file__).resolve().parents[1]))


def _members(package: Path) -> dict[str, bytes]:
    if not package.is_dir():
        raise AssayError(f"{package}: not a folder; a zipapp is built from a checkout or an installed package, not from a zipapp")
    paths = [package / name for name in SHARED_MODULES]
    paths += [path for path in (package / "agent").rglob("*") if path.suffix in _SUFFIXES and path.is_file()]
    members = {f"assay/{path.relative_to(package).as_posix()}": path.read_bytes() for path in paths}
    return {"__main__.py": _ENTRY, **members}


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _FILE_MODE
            archive.writestr(entry, members[name])
    return buffer.getvalue()
