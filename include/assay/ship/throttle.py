"""At most so many bytes a second, over all files that are sent at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_BURST_S = 0.25


class Throttle:
    """Lets bytes pass at a rate; None is without a limit. Safe to share between threads."""

    def __init__(
        self,
        bytes_per_second: int | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = bytes_per_second, clock, sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    def pass_bytes(self, count: int) -> None:
        """Wait until `count` more bytes may go."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - _BURST_S) + count / self._rate
            wait = self._free_at - now
        if wait > 0:
            self._sleep(wait)
