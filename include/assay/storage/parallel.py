"""Many requests in flight from one thread, with a bound on the bytes that they hold ahead of the consumer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeAlias


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


Start: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]

_starting = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}


@contextlib.contextmanager
def in_background() -> Iterator[Start]:
    """Gives a function that starts a coroutine in the background; at the end what still runs of them is cancelled and over.

    One thread of the process runs them all: the allocator gives every new thread memory of its own, up to eight times the number
    of processors, and keeps in each what was used once.
    """
    loop = _loop()
    tasks: set[asyncio.Task[None]] = set()

    def create(coroutine: Coroutine[Any, Any, None]) -> None:
        task = loop.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def start(coroutine: Coroutine[Any, Any, None]) -> None:
        loop.call_soon_threadsafe(create, coroutine)

    async def cancel() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield start
    finally:
        asyncio.run_coroutine_threadsafe(cancel(), loop).result()


def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of this process; a forked one has no thread of its parent's, and makes its own."""
    with _starting:
        if (loop := _loops.get(os.getpid())) is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="assay-background", daemon=True).start()
        return loop
