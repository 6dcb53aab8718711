"""The published tree of a Git target over HTTP, as a static host would serve it: the explorer, and every file beside it."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.middleware.gzip import GZipMiddleware

from assay.publish.target import GitTarget

INDEX = "index.html"
_COMPRESS_FROM = 1_000
_TYPES = {
    ".js": "text/javascript",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".ts": "text/plain",
}
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    # What the page itself cannot say in its own policy: only a page of the same server may frame it.
    "Content-Security-Policy": "frame-ancestors 'self'",
}
_TEXT = ("text/", "application/json", "image/svg")


class PublishedTree:
    """The files at the head of a target, read as they are asked for; a new commit is seen at the next request."""

    def __init__(self, target: Callable[[], GitTarget]) -> None:
        self._open = target
        self._commit: str | None = None
        self._tree: dict[str, str] = {}

    def answer(self, path: str, known: str = "") -> Response:
        """The answer for a path; 304 where the browser has it already (`known`: its If-None-Match)."""
        target = self._open()
        head = target.head()
        if head is None:
            return PlainTextResponse(f"{target.name}: nothing is published yet; `assay publish` does that.\n", 404)
        if head != self._commit:
            self._tree, self._commit = target.tree(head), head
        # What is not a file of the commit does not exist: no path leads out of it.
        blob = self._tree.get(path or INDEX)
        if blob is None:
            return PlainTextResponse(f"{path}: no such file in the published dataset.\n", 404)
        headers = {"ETag": f'"{blob}"', **_HEADERS}
        if headers["ETag"] in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(target.read(head, path or INDEX), headers=headers, media_type=media_type(path or INDEX))


def media_type(path: str) -> str:
    """The media type of a file by its name, text as UTF-8."""
    suffix = path[path.rfind(".") :] if "." in path else ""
    found = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "text/plain"
    return f"{found}; charset=utf-8" if found.startswith(_TEXT) and found != "application/json" else found


def create_site(target: Callable[[], GitTarget], *, dependencies: Sequence[Any] = ()) -> FastAPI:
    """The application over a target, which is opened at each request (a repository may come into being meanwhile).

    `dependencies`: FastAPI dependencies that every request must pass, such as the login of the application that mounts this one.
    """
    app = FastAPI(title="Explorer", docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(dependencies))
    tree = PublishedTree(target)

    @app.api_route("/{path:path}", methods=["GET", "HEAD"])
    def file(path: str, request: Request) -> Response:
        return tree.answer(path, request.headers.get("if-none-match", ""))

    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESS_FROM, compresslevel=5)
    return app
