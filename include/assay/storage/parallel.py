"""Many requests in flight from one thread, with a bound on the bytes that they hold ahead of the consumer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class ByteBudget:
    """Readers take what they are about to hold and the consumer gives it back; used inside one event loop.

    An object larger than the whole budget is read alone rather than never.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._held = limit, 0
        self._changed = asyncio.Condition()

    def take_now(self, size: int) -> bool:
        """Take `size` bytes if they fit; whether they did."""
        if self._held and self._held + size > self._limit:
            return False
        self._held += size
        return True

    async def take(self, size: int) -> None:
        """Take `size` bytes, waiting until they fit."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.take_now(size))

    async def give(self, size: int) -> None:
        """Return what was taken."""
        async with self._changed:
            self._held -= size
            self._changed.notify_all()


@contextlib.contextmanager
def background_loop(name: str) -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own; at the end what still runs in it is cancelled and the thread is gone."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=name, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
