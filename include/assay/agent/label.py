"""The label of a machine that is no cloud instance: stable on it, and nothing can be read back from it."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

_SALT = "assay host label 1"
_MACHINE_ID = Path("/etc/machine-id")
_KEPT = "host-id"


def host_label(home: Path, machine_id: Path = _MACHINE_ID) -> str:
    """`host-` and the first 8 hex digits of a salted SHA-256 of the machine id, or of a random one kept in `home`.

    Raises OSError if there is none and none can be kept.
    """
    identity = _read(machine_id)
    if not identity:
        kept = home / _KEPT
        identity = _read(kept)
        if not identity:
            home.mkdir(parents=True, exist_ok=True)
            identity = secrets.token_hex(16)
            kept.write_text(f"{identity}\n")
    digest = hashlib.sha256(f"{_SALT}\n{identity}".encode()).hexdigest()
    return f"host-{digest[:8]}"


def _read(path: Path) -> str:
    """The id in a file, or nothing: a fresh image holds an empty file or the word `uninitialized`."""
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
    return "" if text == "uninitialized" else text
