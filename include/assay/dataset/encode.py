"""How numbers and documents become bytes: the same content gives the same bytes on any machine.

Numbers are rounded to SIGNIFICANT_DIGITS, which is more than any of our instruments resolves and coarse enough to hide the
last bits that depend on the order of a floating-point sum. Keys are sorted, two spaces indent (none in long series), one newline
ends the document.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

SIGNIFICANT_DIGITS = 7

_FORM = f".{SIGNIFICANT_DIGITS}g"
_COMPACT = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
_OPTIONS = _COMPACT | orjson.OPT_INDENT_2
_EXACT_POWER = 22  # the largest power of ten that a float holds exactly
_NEAR_A_TIE = 1e-6  # of the last digit: there the product's own rounding could decide


def rounded(value: float) -> float:
    """The number as it is published: SIGNIFICANT_DIGITS significant digits.

    Raises ValueError if it is not finite: what is not known is left out of a document, never written as null.
    """
    if not math.isfinite(value):
        raise ValueError(f"found {value!r}; expected a finite number")
    return float(format(value, _FORM))


def rounded_all(values: NDArray[np.float64]) -> list[float]:
    """`rounded` of every number; much faster for many. Raises ValueError if one is not finite."""
    if not np.isfinite(values).all():
        raise ValueError(f"found {int((~np.isfinite(values)).sum())} numbers that are not finite; expected none")
    size = np.abs(values)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shift = SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(size))
        power = 10.0 ** np.abs(shift)
        digits = np.where(shift >= 0, values * power, values / power)
        whole = np.rint(digits)
        # Both are exact here, so the one operation rounds to the float nearest to the decimal number, as parsing it does.
        result = np.where(shift >= 0, whole / power, whole * power)
        safe = (np.abs(shift) <= _EXACT_POWER) & (np.abs(np.abs(digits - whole) - 0.5) > _NEAR_A_TIE) & (size > 0)
    found: list[float] = np.atleast_1d(result).tolist()
    for position in np.flatnonzero(~safe):
        found[position] = rounded(float(values[position]))
    return found


def to_json(document: Mapping[str, Any] | list[Any], *, compact: bool = False) -> bytes:
    """A document as the bytes that are published. `compact`: without indentation, for long series and tables."""
    return orjson.dumps(document, option=_COMPACT if compact else _OPTIONS)


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, as hex."""
    return hashlib.sha256(data).hexdigest()
