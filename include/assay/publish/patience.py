"""Asking a service again when it says so: rate limits, faults of the server, connections that break."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import requests
from github import GithubException

from assay.errors import PublicationError

ATTEMPTS = 5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 120.0
"""A limit that is lifted later than this is told to the operator; a rerun goes on where this one stopped."""

_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Patience:
    """Calls again what may succeed the next time. `pause`: waits so many seconds."""

    def __init__(self, where: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._where, self._pause = where, pause

    def __call__(self, what: str, call: Callable[[], _T]) -> _T:
        """The answer of a call that may be made any number of times.

        Server errors, timeouts, broken connections and rate limits are waited out, as long as `Retry-After` says or twice as long
        each time. Raises GithubException for every other answer, PublicationError when patience ends.
        """
        pause = wait = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return call()
            except GithubException as error:
                answered = _wait(error, pause)
                if answered is None:
                    raise
                wait, reason = answered, f"HTTP {error.status}"
            except requests.RequestException as error:
                wait, reason = pause, type(error).__name__
            if attempt == ATTEMPTS or wait > LONGEST_PAUSE_S:
                break
            log.warning("%s: %s: %s; attempt %d of %d follows in %.0f s", self._where, what, reason, attempt + 1, ATTEMPTS, wait)
            self._pause(wait)
            pause *= 2
        raise PublicationError(
            f"{self._where}: {what}: {reason}, after {attempt} attempts; nothing is half done, run again"
            + (f" in {wait / 60:.0f} minutes" if wait > LONGEST_PAUSE_S else "")
        )


def _wait(error: GithubException, pause: float) -> float | None:
    """Seconds until it may be asked again; None where asking again changes nothing."""
    headers = {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
    limited = error.status == 429 or (error.status == 403 and _is_limit(error, headers))
    if limited and headers.get("retry-after", "").isdigit():
        return max(pause, float(headers["retry-after"]))
    if limited and headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        return max(pause, float(headers["x-ratelimit-reset"]) - time.time() + 1)
    return pause if limited or error.status >= 500 or _timed_out(error) else None


def _timed_out(error: GithubException) -> bool:
    """GitHub answers 422 also where it did not finish in time."""
    return error.status == 422 and isinstance(error.data, dict) and "timed out" in str(error.data.get("message", ""))


def _is_limit(error: GithubException, headers: Mapping[str, str]) -> bool:
    said = str(error.data.get("message", "")).lower() if isinstance(error.data, dict) else ""
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in said or "abuse" in said
