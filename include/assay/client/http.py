"""GET over HTTP with the standard library: bounded in size and time, tried again after a pause, conditional on an ETag."""

from __future__ import annotations

import http.client
import random
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from assay.client.errors import Corrupt, NotPublished, Unreachable

ATTEMPTS = 4
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
CHUNK = 1 << 16

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """What the host said: `body` is None where it said that the copy is still the newest."""

    body: bytes | None
    etag: str
    last_modified: str


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect over HTTP only, and takes the caller's own headers, which may hold a token, to no other host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise NotPublished(f"{req.full_url}: is redirected to {newurl}; expected http or https")
        follow = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if follow is not None and _origin(newurl) != _origin(req.full_url):
            kept = ("accept-encoding", "user-agent", "if-none-match", "if-modified-since")
            follow.headers = {name: value for name, value in follow.headers.items() if name.lower() in kept}
        return follow


_opener = urllib.request.build_opener(_SameHost)


def get(url: str, headers: Mapping[str, str], *, timeout_s: float, max_bytes: int, attempts: int = ATTEMPTS) -> Answer:
    """The document at a URL. Tries again where the host is busy, broken or silent, after a pause that doubles.

    Raises NotPublished for an answer that trying again does not change, Corrupt for a body over `max_bytes` or one that cannot be
    unpacked, Unreachable after the last attempt, with what the host said then.
    """
    last = ""
    for attempt in range(1, attempts + 1):
        pause = 0.0
        try:
            return _once(url, headers, timeout_s, max_bytes)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 304:
                    return Answer(None, error.headers.get("ETag", ""), error.headers.get("Last-Modified", ""))
                if error.code not in _AGAIN:
                    raise NotPublished(f"{url}: {error.code} {error.reason}") from None
                last, pause = f"{error.code} {error.reason}", _seconds(error.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException) as error:  # URLError and a timeout are OSErrors
            reason = getattr(error, "reason", None) or error
            last = f"{type(error).__name__}: {reason}"
        if attempt < attempts:
            # Not all clients of a host that was down come back at the same moment.
            grown = FIRST_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
            time.sleep(min(LONGEST_PAUSE_S, max(grown, pause)))
    raise Unreachable(
        f"{url}: no answer in {attempts} attempts; the last: {last}. Is the address right and the network there? "
        "With `offline=True` the copies on this disk are read."
    )


def _once(url: str, headers: Mapping[str, str], timeout_s: float, max_bytes: int) -> Answer:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "User-Agent": "assay-client", **headers})  # noqa: S310
    with _opener.open(request, timeout=timeout_s) as response:
        body = _body(url, response, max_bytes, time.monotonic() + 10 * timeout_s)
        return Answer(body, response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))


def _body(url: str, response: http.client.HTTPResponse, max_bytes: int, deadline: float) -> bytes:
    packed = response.headers.get("Content-Encoding", "").lower() == "gzip"
    unpack = zlib.decompressobj(wbits=31) if packed else None
    stated = response.headers.get("Content-Length")
    parts, size, received = [], 0, 0
    while chunk := response.read(CHUNK):
        received += len(chunk)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{received} bytes so far, and the time is up")
        try:
            while chunk:
                part = unpack.decompress(chunk, CHUNK) if unpack else chunk
                chunk = unpack.unconsumed_tail if unpack else b""
                size += len(part)
                if size > max_bytes:
                    raise Corrupt(f"{url}: is larger than {max_bytes} bytes; `max_bytes` allows more")
                parts.append(part)
        except zlib.error as error:
            raise Corrupt(f"{url}: cannot be unpacked: {error}") from None
    if (stated and stated.isdigit() and received != int(stated)) or (unpack and not unpack.eof):
        raise http.client.IncompleteRead(b"", max(0, int(stated or 0) - received))
    return b"".join(parts)


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.strip().isdigit() and len(retry_after) < 6 else 0.0


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
