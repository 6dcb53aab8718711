"""The AWS emulator behind a small server of our own, which adds what the emulator lacks.

In S3 a conditional write is atomic; moto checks and writes in two steps, so here conditional writes take turns. And S3 fails now
and then: the next requests that match can be answered with an error instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


@dataclass
class Fault:
    """The answer to the next `times` requests of a method whose path and query contain a text."""

    method: str
    contains: str
    status: str
    code: str
    times: int = 1


@dataclass
class AwsServer:
    """The emulator on 127.0.0.1. `requests` notes method, path with query, and headers of everything that was asked."""

    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._emulator = DomainDispatcherApplication(create_backend_app)
        self._one_at_a_time = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws-emulator", daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def forget(self) -> None:
        """Drop the notes and the faults that were not used up."""
        self.requests.clear()
        self.faults.clear()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        self.requests.append((environ["REQUEST_METHOD"], path, headers))
        for fault in self.faults:
            if fault.times > 0 and fault.method == environ["REQUEST_METHOD"] and fault.contains in path:
                fault.times -= 1
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                body = f"<Error><Code>{fault.code}</Code><Message>injected</Message></Error>".encode()
                start_response(fault.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
                return [body]
        if "HTTP_IF_NONE_MATCH" in environ and environ["REQUEST_METHOD"] in ("PUT", "POST"):
            with self._one_at_a_time:
                return list(self._emulator(environ, start_response))
        return self._emulator(environ, start_response)  # type: ignore[no-any-return]
