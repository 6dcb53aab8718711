"""The reporting API as an application that a server runs or another application mounts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from assay import __version__
from assay.serve.problems import Problem, Refusal, answer, install
from assay.serve.routes import router
from assay.serve.view import LiveView

MAX_ADDRESS_BYTES = 8_000
_COMPRESS_FROM = 1_000
_TAGS = [
    {"name": "documents", "description": "The published documents, as of now."},
    {"name": "filters", "description": "Rows by custom filters."},
    {"name": "sessions", "description": "What arrived, and what became of it."},
    {"name": "server", "description": "The server itself."},
]


def create_app(
    live: LiveView,
    *,
    dependencies: Sequence[Any] = (),
    origins: Sequence[str] = ("*",),
    beside: Mapping[str, FastAPI] | None = None,
) -> FastAPI:
    """The application over a live view.

    `dependencies`: FastAPI dependencies that every request must pass, such as `access.bearer`, or the login of the application
    that mounts this one. `origins`: web origins whose pages may read; never with credentials. `beside`: other applications, by
    the path at which they are served; they know themselves who may ask.
    """
    others = dict(beside or {})

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as running:
            for other in others.values():
                await running.enter_async_context(other.router.lifespan_context(other))
            yield
        live.close()

    app = FastAPI(
        title="Assay reporting API",
        version=__version__,
        summary="The dataset as of now, before the next snapshot.",
        description=(
            "The same documents and schemas as published, built by the same function, with the sessions that are not in a "
            "snapshot yet; statistics and rankings by custom filters; sessions and their verdicts. Read-only. Problems are "
            "answered as `application/problem+json`."
        ),
        openapi_tags=_TAGS,
        # The pages that FastAPI brings load their scripts from a CDN.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=list(dependencies),
    )
    app.include_router(router(live))
    for path, other in others.items():
        app.mount(path, other)
    install(app)
    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESS_FROM, compresslevel=5)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "HEAD"],
            allow_headers=["Authorization", "If-None-Match"],
            expose_headers=["ETag", "X-Content-Digest"],
            max_age=3600,
        )
    app.middleware("http")(_guard)
    describe_problems(app)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if len(request.scope.get("raw_path") or b"") + len(request.scope["query_string"]) > MAX_ADDRESS_BYTES:
        detail = f"An address has at most {MAX_ADDRESS_BYTES} bytes: ask for less at once."
        return answer(Refusal(414, "address-too-long", "The address is too long", detail))
    response = await call_next(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def describe_problems(app: FastAPI) -> None:
    """Put the shape of problems into the OpenAPI document in place of FastAPI's own shape of validation errors."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        document = make()
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        return document

    app.openapi = openapi  # type: ignore[method-assign]
