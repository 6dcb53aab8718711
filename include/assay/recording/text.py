"""Bytes of a metadata file to text."""

from __future__ import annotations

import codecs

MAX_METADATA_BYTES = 256 * 1024


class Undecodable(ValueError):
    """The bytes are no text; the message tells the line and the byte."""


def decode(raw: bytes) -> str:
    """The text: UTF-8 with or without its mark, or UTF-16 with its mark; line ends become a line feed.

    Raises Undecodable with line and byte offset of the first wrong byte; a NUL counts as one, since no editor writes it.
    """
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        # With a mark in front, Python counts from behind it.
        start = error.start + (3 if encoding == "utf-8-sig" and raw.startswith(codecs.BOM_UTF8) else 0)
        if encoding == "utf-8-sig":
            line = raw[:start].count(b"\n") + 1
            where = f"line {line}, byte {start}: 0x{raw[start]:02x} is not {encoding.removesuffix('-sig')}"
        else:
            where = f"byte {start}: not utf-16"
        raise Undecodable(f"{where} ({error.reason})") from None
    nul = text.find("\0")
    if nul >= 0:
        raise Undecodable(f"line {text.count(chr(10), 0, nul) + 1}: holds a NUL character: binary data, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")
