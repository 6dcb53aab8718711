"""Text that a source claims, made safe to hand on: short, one line, and without personal or network details.

Raw files keep everything; what leaves a reader goes into the database and from there towards publication. Addresses, instance
and account ids are therefore cut here already, and again before anything is published.
"""

from __future__ import annotations

import re
from functools import lru_cache

from assay.read.content import Problem

MAX_CHARS = 200

_HIDDEN = "[removed]"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PRIVATE = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"  # IPv4 address
    r"|(?<![\w:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![\w:])"  # MAC address
    r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?![\w:])"  # IPv6 address
    r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}(?![\w:])"  # IPv6 address, shortened
    r"|\b(?:i|eni|vol|vpc|subnet|sg|ami|eipalloc|r)-[0-9a-f]{8,17}\b"  # ids of an account's resources
    r"|\bip-\d{1,3}(?:-\d{1,3}){3}\b"  # host name that EC2 makes of an address
    r"|\barn:[^\s\"']+"
    r"|(?<!\d)\d{12}(?!\d)",  # account id
)


@lru_cache(maxsize=4096)
def claim(text: str) -> str:
    """The text on one line, at most MAX_CHARS long, with addresses, instance and account ids replaced by `[removed]`."""
    shown = _PRIVATE.sub(_HIDDEN, _CONTROL.sub(" ", text[: 4 * MAX_CHARS])).strip()
    return shown if len(shown) <= MAX_CHARS else f"{shown[: MAX_CHARS - 3]}..."


def problem(rule: str, file: str, value: object, expected: str, what: str = "") -> Problem:
    """A Problem whose every text is safe to hand on; `what` is the field, and what it says reads `<file>: <what>: found ...`."""
    shown = claim(value if isinstance(value, str) else repr(value)) or "nothing"
    where = f"{claim(file)}: {what}: " if what else f"{claim(file)}: "
    return Problem(rule, claim(file), shown, expected, f"{where}found {shown}; expected {expected}")
