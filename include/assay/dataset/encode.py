"""How numbers and documents become bytes: the same content gives the same bytes on any machine.

Numbers are rounded to SIGNIFICANT_DIGITS, which is more than any of our instruments resolves and coarse enough to hide the
last bits that depend on the order of a floating-point sum. Keys are sorted, two spaces indent, one newline ends the
document.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import orjson

SIGNIFICANT_DIGITS = 7

_FORM = f".{SIGNIFICANT_DIGITS}g"
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def rounded(value: float) -> float:
    """The number as it is published: SIGNIFICANT_DIGITS significant digits.

    Raises ValueError if it is not finite: what is not known is left out of a document, never written as null.
    """
    if not math.isfinite(value):
        raise ValueError(f"found {value!r}; expected a finite number")
    return float(format(value, _FORM))


def to_json(document: Mapping[str, Any] | list[Any]) -> bytes:
    """A document as the bytes that are published."""
    return orjson.dumps(document, option=_OPTIONS)


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, as hex."""
    return hashlib.sha256(data).hexdigest()
