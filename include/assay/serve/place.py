"""A place in a list as a word for addresses: where the next page of recordings begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from assay.database.finding import After
from assay.session import is_session_id

MAX_PLACE_CHARS = 4_000


def as_word(last: Mapping[str, Any]) -> str:
    """The place behind a row with `moment`, `session` and, of a file, `path` and `key`."""
    place = [last["moment"].isoformat(), last["session"], last.get("path", ""), last.get("key", "")]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def from_word(text: str) -> After | None:
    """The place; None for an empty word, which is the beginning. Raises ValueError for what `as_word` did not write."""
    if not text:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment, session, path, key = (str(part) for part in parts)
        place = After(datetime.fromisoformat(moment), session, path, key)
        if place.moment.tzinfo is None or not is_session_id(session) or "\x00" in path + key:
            raise ValueError(moment)
        (path + key).encode()
    except (ValueError, TypeError, binascii.Error, RecursionError, OverflowError):
        raise ValueError(text[:80]) from None
    return place
