"""The reporting API, with the ingestion API beside it, as a server of its own."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Mapping, Sequence

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from assay.errors import AssayError
from assay.serve.access import bearer, check_exposure
from assay.serve.app import create_app
from assay.serve.ingest.app import ingest_app
from assay.serve.view import LiveView
from assay.settings import Settings
from assay.workspace import open_workspace

INGESTION = "/recordings"
"""Where the ingestion API is, beside the reporting API."""
MOST_AT_ONCE = 200
"""Connections beyond this are refused with 503."""


def reporting_app(
    settings: Settings,
    dataset: str | None = None,
    *,
    dependencies: Sequence[object] | None = None,
    origins: Sequence[str] | None = None,
    beside: Mapping[str, FastAPI] | None = None,
) -> FastAPI:
    """The application over a dataset's ledger, which is opened at the first request.

    `dependencies`: what every request must pass; default: the token of the settings, if there is one. `origins`: web origins
    whose pages may read; default: those of the settings. `beside`: other applications, by the path at which they are served.
    """
    name = dataset or settings.dataset
    if dependencies is None:
        dependencies = [] if settings.serve_token is None else [Depends(bearer(settings.serve_token))]
    live = LiveView(functools.partial(open_workspace, name, settings), name)
    if origins is None:
        origins = settings.serve_origins.split()
    return create_app(live, dependencies=dependencies, origins=origins, beside=beside)


def serve(settings: Settings, dataset: str | None, host: str, port: int, *, ingestion_only: bool = False) -> None:
    """Answer until interrupted. `ingestion_only`: without the reporting API; the ingestion API has keys of its own.

    Raises AssayError if other machines could ask without a token, or the port cannot be had.
    """
    ingestion = ingest_app(settings, functools.partial(open_workspace, dataset, settings))
    if ingestion_only:
        run_app(alone(ingestion), host, port)
        return
    check_exposure(host, settings.serve_token)
    run_app(reporting_app(settings, dataset, beside={INGESTION: ingestion}), host, port)


def alone(ingestion: FastAPI) -> FastAPI:
    """The ingestion API where it is beside the reporting API, without that."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with ingestion.router.lifespan_context(ingestion):
            yield

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.mount(INGESTION, ingestion)
    return app


def run_app(app: ASGIApp, host: str, port: int) -> None:
    """Answer with an application until interrupted. Raises AssayError if the port cannot be had."""
    import uvicorn

    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=5,
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise AssayError(f"--host {host} --port {port}: {error.strerror or error}; choose another with --port") from error
    return listener
