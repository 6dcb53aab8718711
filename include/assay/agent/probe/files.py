"""Read small kernel files that may not be there: every part of a profile is optional, and what is not known stays absent."""

from __future__ import annotations

import re
from pathlib import Path

LONGEST = 1 << 20


def text(path: Path) -> str | None:
    """The file without surrounding space; None if it is not there, not readable or empty."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(LONGEST)
    except OSError:
        return None
    return raw.decode("utf-8", "replace").strip("\x00 \t\r\n") or None


def number(path: Path) -> int | None:
    """The whole number in the file; None if there is none."""
    found = text(path)
    return int(found) if found is not None and re.fullmatch(r"-?\d+", found) else None


def size_bytes(shown: str | None) -> int | None:
    """Bytes from `32K`, `1024K`, `32M` or `24684096 kB`."""
    found = re.fullmatch(r"(\d+)\s*([KMG]?)(?:i?B)?", shown.strip(), re.IGNORECASE) if shown else None
    if not found:
        return None
    return int(found.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[found.group(2).upper()]


def numbers_in_list(shown: str | None) -> list[int]:
    """The kernel's list form: `0-2,5` is 0, 1, 2 and 5."""
    numbers: list[int] = []
    for part in (shown or "").split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if found:
            first = int(found.group(1))
            numbers.extend(range(first, min(int(found.group(2) or first), first + 65536) + 1))
    return numbers


def fields(shown: str) -> dict[str, str]:
    """`name : value` lines; of a name that comes twice, the first."""
    found: dict[str, str] = {}
    for line in shown.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def without_empty(facts: dict[str, object]) -> dict[str, object]:
    """The facts that are known."""
    return {name: value for name, value in facts.items() if value is not None and value != [] and value != {}}
