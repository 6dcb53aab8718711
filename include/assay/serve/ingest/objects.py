"""Where recordings lie in a local folder: the signed requests that S3 would answer, answered here under the same conditions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response
from starlette.requests import ClientDisconnect

from assay.serve.ingest.bodies import Done
from assay.serve.ingest.finding import Shelves
from assay.serve.ingest.tokens import Tokens
from assay.serve.problems import Refusal, responses
from assay.storage.uploads import UploadGone
from assay.storage.uploads_local import LocalUploads

_WRITE_AT = 1024 * 1024
Ticket = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,8000}$", description="What the API gave; opaque.")]


def object_router(tokens: Callable[[], Tokens], shelves: Callable[[], Shelves]) -> APIRouter:
    """PUT and GET by ticket; 404 where the store is not a folder."""
    routes = APIRouter(prefix="/v1/objects", tags=["objects"])

    @routes.put("/{ticket}", summary="Put what a ticket allows", responses=responses(400, 403, 404, 412, 413))
    async def put(ticket: Ticket, request: Request) -> Done:
        """The body must have the announced size and SHA-256; what is there already is never replaced (412)."""
        allowed = _allowed(tokens(), ticket, "put", "part")
        folder = await run_in_threadpool(_folder, shelves, allowed)
        stated = request.headers.get("content-length", "")
        if stated.isascii() and stated.isdigit() and int(stated) > allowed["size"]:
            raise _too_large(allowed["size"])
        with folder.staged() as (path, stream):
            digest, size, waiting = hashlib.sha256(), 0, bytearray()
            try:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > allowed["size"]:
                        raise _too_large(allowed["size"])
                    waiting += chunk
                    if len(waiting) >= _WRITE_AT:
                        await run_in_threadpool(_write, stream, digest, bytes(waiting))
                        waiting.clear()
            except ClientDisconnect:
                raise _other_body(f"the connection ended after {size} of {allowed['size']} bytes") from None
            await run_in_threadpool(_write, stream, digest, bytes(waiting))
            if size != allowed["size"]:
                raise _other_body(f"found {size} bytes; expected {allowed['size']}")
            if digest.hexdigest() != allowed["sha256"]:
                raise _other_body(f"found SHA-256 {digest.hexdigest()}; expected {allowed['sha256']}")
            await run_in_threadpool(_flush, stream)
            try:
                written = await run_in_threadpool(folder.accept, allowed, path)
            except UploadGone as error:
                raise Refusal(404, "upload-gone", "The upload is gone", str(error)) from error
        if not written:
            raise Refusal(412, "already-there", "Something is there", "It is never replaced.")
        return Done()

    @routes.get(
        "/{ticket}",
        summary="Read what a ticket allows",
        response_class=Response,
        responses={
            200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            **responses(403, 404),
        },
    )
    def get(ticket: Ticket) -> Response:
        """The whole object, or the range that the header `Range` asks for."""
        allowed = _allowed(tokens(), ticket, "get")
        path = _folder(shelves, allowed).storage.root / allowed["key"]
        if not path.is_file():
            raise Refusal(404, "not-found", "Not Found", "There is no such object.")
        return FileResponse(path, media_type="application/octet-stream")

    return routes


def _allowed(tokens: Tokens, ticket: str, *uses: str) -> dict[str, Any]:
    allowed = tokens.allowed_by(ticket)
    if allowed is None or allowed["may"] not in uses:
        raise Refusal(403, "no-ticket", "Not allowed", "The ticket is not of this server, expired, or for another use.")
    return allowed


def _folder(shelves: Callable[[], Shelves], allowed: dict[str, Any]) -> LocalUploads:
    held = shelves()
    _, found = held.processed if allowed.get("shelf") == "processed" else held.raw
    if not isinstance(found, LocalUploads):
        raise Refusal(404, "not-found", "Not Found", "Objects lie in S3; the signed requests lead there.")
    return found


def _write(stream: Any, digest: Any, chunk: bytes) -> None:
    digest.update(chunk)
    stream.write(chunk)


def _flush(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _too_large(size: int) -> Refusal:
    return Refusal(413, "too-large", "Too many bytes", f"Expected {size} bytes, as announced.")


def _other_body(found: str) -> Refusal:
    return Refusal(400, "wrong-content", "The body is not what was announced", f"{found}. Nothing was stored.")
