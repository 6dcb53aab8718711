"""The ingestion API as the shipper asks it: a token when one is needed, retries with back-off, plain errors."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from assay import __version__
from assay.errors import AssayError
from assay.ship.problems import Refused, Unsent

log = logging.getLogger(__name__)

ATTEMPTS = 6
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_CHUNK = 256 * 1024
_LATER = (408, 425, 429, 500, 502, 503, 504)
_TIMEOUT = httpx.Timeout(60.0, connect=15.0, read=300.0)
"""Assembling a large file takes the store a while."""
_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class Api:
    """Asks the ingestion API with one API key. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        setting: str = "ASSAY_SHIP_URL",
        connections: int = 8,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        """`setting`: where the address is from, for messages."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise AssayError(f"{setting}: found {url[:100]!r}; expected an address such as https://assay.example/recordings/")
        self.url, self._setting = url.rstrip("/") + "/", setting
        self._key, self._sleep, self._attempts = key, sleep, attempts
        self._token: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._http = httpx.Client(
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"User-Agent": f"assay-ship/{__version__}"},
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def whoami(self) -> Mapping[str, Any]:
        """Lab, dataset and rights of the key. Raises Unsent, Refused."""
        with self._lock:
            if self._token is None:
                answer = self._retried("POST", "v1/token", lambda: {"Authorization": f"Bearer {self._key}"}, None)
                self._token = answer.json()
            return self._token

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request of the API; gives the answer. Raises Unsent, Refused with what the server says."""

        def headers() -> dict[str, str]:
            return {"Authorization": f"Bearer {self.whoami()['access_token']}"}

        for last in (False, True):
            try:
                found: dict[str, Any] = self._retried(method, path, headers, body).json()
            except _Unauthorized as error:
                if last or error.kind != "no-token":
                    raise ApiRefused(error.kind, str(error)) from None
                with self._lock:
                    self._token = None  # it has expired
            else:
                return found
        raise AssertionError

    def put(self, request: Mapping[str, Any], file: Path, start: int, size: int, passing: Callable[[int], None]) -> int:
        """Make a signed request with a piece of a file as its body; the HTTP status. `passing` is asked before bytes go.

        One attempt: a signed request is good for a short time, so the caller asks for a new one. Raises Unsent.
        """
        url = urljoin(self.url, request["url"])

        def body() -> Iterator[bytes]:
            with file.open("rb") as stream:
                stream.seek(start)
                left = size
                while left and (chunk := stream.read(min(_CHUNK, left))):
                    passing(len(chunk))
                    yield chunk
                    left -= len(chunk)

        headers = {**request["headers"], "Content-Length": str(size)}
        try:
            answer = self._http.request(request["method"], url, content=body() if size else b"", headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unsent(f"{urlsplit(url).netloc}: {type(error).__name__}: {error}") from error
        return answer.status_code

    def get(self, request: Mapping[str, Any], file: Path, start: int, size: int, tick: Callable[[int], None]) -> int:
        """Read what a signed request allows, from a byte on, into the file behind what it holds; the HTTP status. Raises Unsent.

        Never more than `size` bytes are kept, whatever the server sends.
        """
        url = urljoin(self.url, request["url"])
        # Bytes as they lie there: a packed answer could not be resumed.
        headers = {**request["headers"], "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        try:
            with self._http.stream("GET", url, headers=headers) as answer:
                if answer.status_code not in (200, 206):
                    return answer.status_code
                left = size - start if answer.status_code == 206 else size
                with file.open("ab" if answer.status_code == 206 else "wb") as stream:
                    for chunk in answer.iter_raw():  # as they come: what is gathered first is lost where the connection breaks
                        stream.write(chunk[:left])
                        tick(len(chunk[:left]))
                        left -= len(chunk[:left])
                        if not left:
                            break
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unsent(f"{urlsplit(url).netloc}: {type(error).__name__}: {error}") from error

    def _retried(self, method: str, path: str, headers: Callable[[], dict[str, str]], body: Any) -> httpx.Response:
        for attempt in range(1, self._attempts + 1):
            try:
                return self._once(method, path, headers(), body)
            except Unsent as error:
                self.pause(attempt, error)
        raise AssertionError

    def pause(self, failed: int, error: AssayError) -> None:
        """Wait before another attempt, the longer the more have failed. Raises the error where that was the last one."""
        if failed >= self._attempts:
            raise error
        # Full jitter: many machines that lost the same server do not all come back at the same moment.
        longest = min(_FIRST_PAUSE_S * 2 ** (failed - 1), _LONGEST_PAUSE_S)
        least = error.wait_seconds if isinstance(error, Unsent) else 0.0
        wait = max(least, random.uniform(0, longest))  # noqa: S311 - no secret
        log.info("%s; attempt %d of %d, again in %.1f s", error, failed, self._attempts, wait)
        self._sleep(wait)

    def _once(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> httpx.Response:
        where = f"{method} {self.url}{path}"
        try:
            answer = self._http.request(method, self.url + path, headers=headers, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unsent(f"{where}: {type(error).__name__}: {error}") from error
        if answer.is_success:
            if len(answer.content) > _MAX_ANSWER_BYTES or not answer.headers.get("content-type", "").startswith(
                "application/json"
            ):
                raise Refused(f"{where}: found an answer that is not the ingestion API's; check {self._setting}")
            return answer
        kind, said = _problem(answer)
        message = f"{where}: {answer.status_code} {said}"
        if answer.status_code in _LATER:
            raise Unsent(message, _seconds(answer.headers.get("retry-after", "")))
        if answer.status_code == 401:
            raise _Unauthorized(kind, message)
        raise ApiRefused(kind, message)


class ApiRefused(Refused):
    """The server refuses; `kind` is its name for the reason."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Unauthorized(ApiRefused):
    """The token or the key is not good."""


def _problem(answer: httpx.Response) -> tuple[str, str]:
    try:
        problem = answer.json()
        errors = "; ".join(
            f"{each['field']}: found {each['found']}, expected {each['expected']}" for each in problem["errors"][:3]
        )
        return str(problem["type"]).rpartition(":")[2], f"{problem['detail']} {errors}".strip()
    except (ValueError, KeyError, TypeError):
        return "", answer.text[:200]


def _seconds(text: str) -> float:
    return min(float(text), 300.0) if text.isascii() and text.isdigit() else 0.0
