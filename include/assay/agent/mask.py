"""Nothing that names the machine or its owner leaves it: paths become placeholders, names become placeholders.

What is written goes into published raw files. A profile says what the machine is, never which one.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_COMMON = frozenset({"root", "localhost", "admin", "user", "ubuntu", "debian", "linux"})
"""Names that say nothing of a machine and that tools print as ordinary words."""

_SHORTEST_NAME = 3
_STATED_NAME = re.compile(r"(\bhost ?name\b[\s:='\"]{1,4})[\w.-]+", re.IGNORECASE)
"""A tool that says which name the machine has; this hides the shortest names too, which elsewhere would hit ordinary words."""


@dataclass(frozen=True)
class Mask:
    """What to hide: folders by placeholder (the longest path wins) and whole words by placeholder."""

    places: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def paths(self, text: str) -> str:
        """The text with every known folder replaced by its placeholder."""
        for place in sorted(self.places, key=len, reverse=True):
            text = re.sub(re.escape(place) + r"(?![\w.-])", self.places[place], text)
        return text

    def everything(self, raw: bytes) -> bytes:
        """Printed bytes with every known folder and name replaced; bytes that are not UTF-8 stay as they are."""
        text = self.paths(raw.decode("utf-8", "surrogateescape"))
        for word in sorted(self.words, key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", self.words[word], text)
        text = _STATED_NAME.sub(r"\1{host}", text)
        return text.encode("utf-8", "surrogateescape")


def machine_mask(places: Mapping[str, Path]) -> Mask:
    """The mask of this machine: these folders by placeholder, the interpreter, the home folder, the host and user names."""
    known: dict[str, str] = {}
    for placeholder, place in places.items():
        for path in {str(place.absolute()), str(place.resolve())}:
            known[path] = f"{{{placeholder}}}"
    known.setdefault(sys.executable, "{python}")
    for prefix in {sys.prefix, sys.base_prefix}:
        if prefix not in ("/usr", "/usr/local"):
            known.setdefault(prefix, "{python-prefix}")
    home = str(Path.home())
    if home not in ("", "/"):
        known.setdefault(home, "{home}")
    return Mask(known, _names())


def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    host = socket.gethostname()
    for name in (host, host.split(".")[0], socket.getfqdn() if "." in host else host, os.uname().nodename):
        names[name] = "{host}"
    with contextlib.suppress(OSError, KeyError):  # an id without a name has no name to hide
        names[getpass.getuser()] = "{user}"
    return {name: shown for name, shown in names.items() if len(name) >= _SHORTEST_NAME and name.lower() not in _COMMON}
