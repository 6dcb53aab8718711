"""What every page inside Airflow shares: a login that is asked for, no script, and a workspace that is opened when needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from assay.errors import AssayError
from assay.serve.html import page, tag
from assay.workspace import Workspace

MOST_PAGES = 1_000_000
_HEADERS = {
    # Nothing from elsewhere and no script at all; only a page of the same server may frame it.
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)


def page_app(title: str, style: str, *, dependencies: Sequence[Any]) -> FastAPI:
    """An application without pages yet. What the ledger or the store refuses is logged and answered with 503.

    `dependencies`: FastAPI dependencies that every request must pass, such as the login of the server that mounts this.
    """
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(dependencies))

    @app.exception_handler(AssayError)
    def unavailable(request: Request, error: AssayError) -> Response:
        log.warning("page %s: %s", title, error)
        text = "The ledger cannot be read just now; the log of the API server says why. Reload the page in a moment."
        return HTMLResponse(page(title, style, tag("h1", title), tag("p", text)), status_code=503)

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    return app


class OpenedWorkspace:
    """A workspace, opened at the first request and kept; tried again at the next one if that failed."""

    def __init__(self, opening: Callable[[], AbstractContextManager[Workspace]]) -> None:
        self._opening, self._lock, self._stack = opening, threading.Lock(), ExitStack()
        self._workspace: Workspace | None = None

    def __call__(self) -> Workspace:
        """The workspace. Raises DatabaseUnavailable or StorageError."""
        with self._lock:
            if self._workspace is None:
                self._workspace = self._stack.enter_context(self._opening())
            return self._workspace


def plain(text: str) -> str:
    """What PostgreSQL can compare with: no NUL character."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
