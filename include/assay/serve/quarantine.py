"""The quarantine over HTTP, to be mounted into a server that knows who asks: two pages, read-only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response

from assay.errors import AssayError
from assay.serve.html import page, tag
from assay.serve.quarantine_page import PAGE_SIZE, STYLE, Choice, quarantine_html, rules_html
from assay.workspace import Workspace

MOST_PAGES = 1_000_000
_HEADERS = {
    # Nothing from elsewhere and no script at all; only a page of the same server may frame it.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'self'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)
_Name = Annotated[str, Query(max_length=200)]
_Number = Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)]


def quarantine_app(opening: Callable[[], AbstractContextManager[Workspace]], *, dependencies: Sequence[Any]) -> FastAPI:
    """The application: `/`, sessions with their reasons, and `/rules`, what the rules say.

    `opening` gives the workspace, at the first request; its dataset is shown unless another is asked for. `dependencies`: FastAPI
    dependencies that every request must pass, such as the login of the server that mounts this; there is no default, because
    the page says who decided what.
    """
    app = FastAPI(title="Quarantine", docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(dependencies))
    workspace = _Opened(opening)

    @app.get("/", response_class=HTMLResponse)
    def sessions(dataset: _Name = "", rule: _Name = "", source: _Name = "", number: _Number = 1) -> str:
        from assay.database.quarantine import read_page

        opened = workspace()
        chosen = Choice(_plain(dataset) or opened.dataset, _plain(rule), _plain(source), number)
        found = read_page(
            opened.engine,
            chosen.dataset,
            rule=chosen.rule or None,
            source=chosen.source or None,
            limit=PAGE_SIZE,
            offset=(number - 1) * PAGE_SIZE,
        )
        return quarantine_html(found, chosen)

    @app.get("/rules", response_class=HTMLResponse)
    def rules() -> str:
        from assay.check.registry import all_rules

        return rules_html(all_rules())

    @app.exception_handler(AssayError)
    def unavailable(request: Request, error: AssayError) -> Response:
        log.warning("quarantine page: %s", error)
        text = "The ledger cannot be read just now; the log of the API server says why. Reload the page in a moment."
        return HTMLResponse(page("Quarantine", STYLE, tag("h1", "Quarantine"), tag("p", text)), status_code=503)

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    return app


class _Opened:
    """A workspace, opened at the first request and kept; tried again at the next one if that failed."""

    def __init__(self, opening: Callable[[], AbstractContextManager[Workspace]]) -> None:
        self._opening, self._lock, self._stack = opening, threading.Lock(), ExitStack()
        self._workspace: Workspace | None = None

    def __call__(self) -> Workspace:
        with self._lock:
            if self._workspace is None:
                self._workspace = self._stack.enter_context(self._opening())
            return self._workspace


def _plain(text: str) -> str:
    """What PostgreSQL can compare with: no NUL character."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
