"""The endpoints of the ingestion API."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from assay.serve.ingest.access import Caller, Gate
from assay.serve.ingest.bodies import (
    SESSION_FORM,
    Announcement,
    Assembly,
    Done,
    Failure,
    Parts,
    Standing,
    Token,
    Uploads,
    WantedParts,
    WantedUploads,
)
from assay.serve.ingest.intake import Intake
from assay.serve.ingest.tokens import TOKEN_FOR_S
from assay.serve.problems import responses

log = logging.getLogger(__name__)

SessionId = Annotated[str, Path(pattern=SESSION_FORM, description="Session id.", examples=["20240229T151221Z-3fa9c24be01d"])]


def router(gate: Gate, intake: Callable[[], Intake], failed: Callable[[], object]) -> APIRouter:
    """The endpoints; `intake` opens database and store at the first request, `failed` is called when a failure is reported."""
    routes = APIRouter(prefix="/v1")
    with_key: Any = Depends(gate.with_key)
    uploader: Any = Depends(gate.uploader)

    def answers(*more: int) -> dict[int | str, dict[str, Any]]:
        return responses(400, 401, 403, 413, 429, *more)

    @routes.get("/health", summary="Whether the server answers", tags=["server"], responses=responses())
    def health() -> Done:
        """Asks nothing of the database."""
        return Done()

    @routes.post("/token", summary="A token for an API key", tags=["access"], responses=answers())
    def token(caller: Caller = with_key) -> Token:
        """Send the API key as `Authorization: Bearer <key>`; the other requests take the token in the same header."""
        with caller.audited("token"):
            return Token(
                access_token=gate.tokens().issue(caller.key.key),
                expires_in=TOKEN_FOR_S,
                lab=caller.key.lab,
                dataset=caller.key.dataset,
                rights=sorted(caller.key.rights),
            )

    @routes.post(
        "/sessions",
        summary="Announce a session",
        tags=["sessions"],
        status_code=201,
        responses={200: {"model": Standing, "description": "It was announced before."}, **answers(409)},
    )
    def announce(body: Announcement, response: Response, caller: Caller = uploader) -> Standing:
        """The manifest, with path, size and SHA-256 of every file. Announcing again tells what is there already."""
        with caller.audited("announce", body.manifest.session):
            standing, new = intake().announce(caller.key, body.manifest)
            caller.detail = standing.prefix
        response.status_code = 201 if new else 200
        return standing

    @routes.get("/sessions/{session}", summary="Where a session stands", tags=["sessions"], responses=answers(404))
    def standing(session: SessionId, caller: Caller = uploader) -> Standing:
        """What is there of a session that was announced."""
        return intake().standing(intake().find(caller.key, session))

    @routes.post("/sessions/{session}/uploads", summary="How to send files", tags=["files"], responses=answers(404))
    def uploads(session: SessionId, body: WantedUploads, caller: Caller = uploader) -> Uploads:
        """A signed request for each file, good for 15 minutes; for large files, the size of parts and those that are there."""
        with caller.audited("upload", session):
            caller.detail = f"{len(body.paths)} files, first {body.paths[0]}"
            return Uploads(files=intake().sign(intake().find(caller.key, session), body.paths))

    @routes.post("/sessions/{session}/parts", summary="How to send parts of a file", tags=["files"], responses=answers(404))
    def parts(session: SessionId, body: WantedParts, caller: Caller = uploader) -> Parts:
        """A signed request for each part, good for 15 minutes."""
        with caller.audited("upload", session):
            caller.detail = f"{body.path}: {len(body.parts)} parts, first {body.parts[0].number}"
            return Parts(parts=intake().sign_parts(intake().find(caller.key, session), body.path, body.parts))

    @routes.post(
        "/sessions/{session}/assemble", summary="Make a file out of its parts", tags=["files"], responses=answers(404, 409)
    )
    def assemble(session: SessionId, body: Assembly, caller: Caller = uploader) -> Done:
        """The server completes the upload, under the condition that nothing is there yet."""
        with caller.audited("assemble", session):
            caller.detail = body.path
            intake().assemble(intake().find(caller.key, session), body.path, body.parts)
        return Done()

    @routes.post("/sessions/{session}/complete", summary="Complete a session", tags=["sessions"], responses=answers(404, 409))
    def complete(session: SessionId, caller: Caller = uploader) -> Standing:
        """Checks every file by what the store states of it, then writes the manifest: the session has arrived."""
        with caller.audited("complete", session):
            return intake().complete(intake().find(caller.key, session))

    @routes.post("/failures", summary="Report what could not be sent", tags=["sessions"], responses=answers())
    def failure(body: Failure, caller: Caller = uploader) -> Done:
        """Kept in the audit log and logged as an error, so that people see it where they look."""
        with caller.audited("failure", body.session):
            caller.detail = f"{body.folder}: {body.message}"
        log.error("ingest: lab %s could not send folder %r: %r", caller.key.lab, body.folder, body.message)
        failed()
        return Done()

    return routes
