"""A bucket behind a slow link: answers S3's GetObject, each after a fixed delay, as many at a time as asked for.

An emulator of all of S3 spends milliseconds of processor time on a request, so that on two cores it and not the link would set
the pace. This one does what the link does and nothing else. It runs in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection


class _Link(asyncio.Protocol):
    """One connection: every request is answered in turn, `delay` seconds after it came."""

    def __init__(self, answer: bytes, delay: float) -> None:
        self.answer, self.delay, self.rest = answer, delay, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for _ in requests:
            asyncio.get_running_loop().call_later(self.delay, self._reply)

    def _reply(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(self.answer)


def _serve(pipe: Connection, size: int, delay: float) -> None:
    body = b"x" * size
    head = (
        'HTTP/1.1 200 OK\r\nContent-Type: binary/octet-stream\r\nETag: "0"\r\nLast-Modified: Sun, 29 Jun 2025 12:00:00 GMT\r\n'
        f"Accept-Ranges: bytes\r\nContent-Length: {size}\r\n\r\n"
    )

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Link(head.encode() + body, delay), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextlib.contextmanager
def slow_s3(size: int, delay: float) -> Iterator[str]:
    """The endpoint of a bucket where every key holds `size` bytes and every answer comes after `delay` seconds."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, size, delay), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
