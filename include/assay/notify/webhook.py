"""A webhook: a JSON body by POST, signed with a shared secret.

`X-Assay-Signature-256: sha256=<hex>` is the HMAC-SHA256 of the body with the secret; a receiver computes it over the bytes that
came and compares in constant time. `X-Assay-Delivery` is the same at every try.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from assay import __version__
from assay.notify.event import EVENT, Event, NotDelivered

ATTEMPTS = 4
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 4096
MIN_SECRET_CHARS = 16
_AGAIN = {408, 425, 429}

log = logging.getLogger(__name__)


def send(event: Event, url: SecretStr, secret: SecretStr | None, pause: Callable[[float], None] = time.sleep) -> None:
    """POST the event, and again where that may help: server errors, rate limits, broken connections.

    The address may hold a secret: messages name its host alone. Raises NotDelivered.
    """
    address, host = _checked(url.get_secret_value())
    body = event.body()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"assay/{__version__}",
        "X-Assay-Event": EVENT,
        "X-Assay-Delivery": event.delivery,
        "X-Assay-Signature-256": signature(body, secret),
    }
    wait = FIRST_PAUSE_S
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status, asked = _post(client, address, body, headers)
            except httpx.HTTPError as error:
                reason, asked = type(error).__name__, 0.0
            else:
                if 200 <= status < 300:
                    return
                reason = f"HTTP {status}"
                if status < 500 and status not in _AGAIN:
                    raise NotDelivered(f"{host}: {reason}" + ("; redirects are not followed" if 300 <= status < 400 else ""))
            if attempt == ATTEMPTS or asked > LONGEST_PAUSE_S:
                raise NotDelivered(f"{host}: {reason}, after {attempt} attempts")
            log.warning("webhook %s: %s; attempt %d of %d follows", host, reason, attempt + 1, ATTEMPTS)
            pause(max(wait, asked))
            wait *= 2


def signature(body: bytes, secret: SecretStr | None) -> str:
    """`sha256=` and the HMAC-SHA256 of a body, in hex. Raises NotDelivered without a secret of MIN_SECRET_CHARS or more."""
    known = "" if secret is None else secret.get_secret_value()
    if len(known) < MIN_SECRET_CHARS:
        raise NotDelivered(f"ASSAY_WEBHOOK_SECRET: found {len(known)} characters; expected {MIN_SECRET_CHARS} or more")
    return f"sha256={hmac.new(known.encode(), body, hashlib.sha256).hexdigest()}"


def _checked(url: str) -> tuple[str, str]:
    """The address, and its host for messages."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.password:
        raise NotDelivered("ASSAY_WEBHOOK_URL: expected https://host/path without user and password")
    if parts.scheme == "http" and not _is_loopback(host):
        raise NotDelivered(f"ASSAY_WEBHOOK_URL: found http to {host}; expected https, for http goes to this machine alone")
    return url, host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _post(client: httpx.Client, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
    """Status, and the seconds that the other side wants to be left alone. Of the answer's body no more than a little is read."""
    with client.stream("POST", url, content=body, headers=headers) as answer:
        read = 0
        for chunk in answer.iter_raw(MAX_ANSWER_BYTES):
            read += len(chunk)
            if read >= MAX_ANSWER_BYTES:
                break
        after = answer.headers.get("Retry-After", "")
        return answer.status_code, float(after) if after.isdigit() else 0.0
