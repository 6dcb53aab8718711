"""What a queue says of objects that were written: the keys of manifests, out of S3's event messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from assay.session import MANIFEST_NAME

MAX_MESSAGE_CHARS = 300_000
"""A message of SQS has at most 256 KiB."""

_MANIFEST = re.compile(r"(?:.*/)?(raw/recording/\d{4}/\d{2}/\d{2}/[^/]+/" + re.escape(MANIFEST_NAME) + ")")


def manifest_keys(message: object) -> tuple[str, ...]:
    """The keys of recordings' manifests that a message names, each once, without the prefix of the store.

    `message`: the body of an SQS message as S3 or SNS writes it, as text or parsed, or a list of messages, or a mapping that
    holds one. Anything else, S3's test event for one, names none: a message is a hint, and the sweep finds what it failed to say.
    """
    return tuple(dict.fromkeys(_keys(message, 0)))


def _keys(message: object, depth: int) -> Iterator[str]:
    if depth > 8:
        return
    if isinstance(message, str):
        if len(message) <= MAX_MESSAGE_CHARS and message.lstrip()[:1] in ("{", "["):
            try:
                yield from _keys(json.loads(message), depth + 1)
            except (ValueError, RecursionError):
                return
    elif isinstance(message, list):
        for one in message:
            yield from _keys(one, depth + 1)
    elif isinstance(message, dict):
        for record in message.get("Records") or () if isinstance(message.get("Records"), list) else ():
            yield from _record(record)
        for name in ("Body", "Message", "message", "message_batch", "payload"):
            yield from _keys(message.get(name), depth + 1)


def _record(record: Any) -> Iterator[str]:
    try:
        key = record["s3"]["object"]["key"]
    except (KeyError, TypeError):
        return
    if isinstance(key, str):
        match = _MANIFEST.fullmatch(unquote_plus(key))
        if match:
            yield match[1]
