"""What a request that fails is told: `application/problem+json` (RFC 9457) with the field, what was found and what was expected.

Nothing of the inside is told: no path, address, query or traceback; what is not the client's doing is logged under a number that
the answer names.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from assay.errors import DatabaseUnavailable, StorageError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
_SHOWN_CHARS = 80
_SHOWN_FIELDS = 20


class FieldProblem(BaseModel):
    """One part of the request that cannot be used."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"field": "limit", "found": "9999", "expected": "at most 500"}]})

    field: str = Field(description="Parameter, such as `limit`, with the position in a list where there are several.")
    found: str = Field(description="What the request says, cut to 80 characters.")
    expected: str = Field(description="What would be right.")


class Problem(BaseModel):
    """An answer that is no result, after RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:assay:problem:unknown-document",
                    "title": "There is no such document",
                    "status": 404,
                    "detail": "GET /v1/latest lists the documents that there are.",
                    "errors": [{"field": "document", "found": "memory.json", "expected": "memory-benchmarks.json"}],
                }
            ]
        }
    )

    type: str = Field(description="Stable name of the kind of problem.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(ge=400, le=599, description="HTTP status.")
    detail: str = Field(description="What happened and what to do.")
    errors: list[FieldProblem] = Field(default_factory=list, description="The parts of the request that are wrong.")


class Refusal(Exception):
    """Raised by an endpoint: becomes the answer."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(type=f"urn:assay:problem:{kind}", title=title, status=status, detail=detail, errors=list(errors))
        self.headers = dict(headers or {})


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI part for these statuses, and for those that every endpoint may give."""
    says = {
        400: "The body is not what it says: cut short, not JSON, or of another checksum.",
        401: "A bearer token is asked for, and there is none or another.",
        403: "The token is good, and does not allow this.",
        404: "There is no such thing, or nothing yet.",
        409: "What is there contradicts the request; nothing changed.",
        412: "Something is there already, and is never replaced.",
        413: "More bytes than allowed.",
        414: "The address is longer than 8,000 bytes.",
        422: "A parameter is unknown, of another type, or out of its bounds.",
        429: "Too many requests; `Retry-After` says when to ask again.",
        500: "A fault of ours; the answer names the number under which it is logged.",
        503: "The ledger cannot be read now, or is just being brought up to date; `Retry-After` says when to ask again.",
    }
    return {
        status: {"description": says[status], "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for status in sorted({*statuses, 414, 422, 500, 503})
    }


def unavailable(detail: str) -> Refusal:
    """Not now; ask again in a few seconds."""
    return Refusal(503, "not-now", "Ask again in a few seconds", detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def answer(refusal: Refusal) -> Response:
    """The response that says it."""
    body = orjson.dumps(refusal.problem.model_dump())
    return Response(body, refusal.problem.status, {**refusal.headers, "Cache-Control": "no-store"}, MEDIA_TYPE)


def install(app: FastAPI, *, other_method: str = "GET and HEAD are all that is served.") -> None:
    """Let every failure of the application be answered as a problem. `other_method`: what a wrong method is told."""

    @app.exception_handler(Refusal)
    def refused(_: Request, error: Refusal) -> Response:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        fields = [_field(each) for each in error.errors()[:_SHOWN_FIELDS]]
        names = ", ".join(field.field for field in fields)
        return answer(Refusal(422, "invalid-parameter", "A parameter cannot be used", f"See `errors`: {names}.", fields))

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> Response:
        title = HTTPStatus(error.status_code).phrase
        detail = other_method if error.status_code == 405 else f"{title}; see /openapi.json."
        kind = title.lower().replace(" ", "-")
        return answer(Refusal(error.status_code, kind, title, detail, headers=error.headers))

    @app.exception_handler(DatabaseUnavailable)
    @app.exception_handler(StorageError)
    def away(_: Request, error: Exception) -> Response:
        log.warning("not answered, 503: %s", error)
        return answer(unavailable("The database or the object storage does not answer."))

    @app.exception_handler(Exception)
    def failed(request: Request, error: Exception) -> Response:
        number = uuid.uuid4().hex[:12]
        log.error("fault %s at %s %s", number, request.method, request.url.path, exc_info=error)
        detail = f"A fault of ours, logged as {number}."
        return answer(Refusal(500, "fault", "The request could not be answered", detail))


def _field(error: Mapping[str, Any]) -> FieldProblem:
    place = [str(part) for part in error["loc"][1:]] or ["request"]
    if error["type"] == "extra_forbidden":
        return FieldProblem(field=place[-1], found=_shown(error.get("input")), expected="no such parameter; see /openapi.json")
    if error["type"] == "missing":
        return FieldProblem(field=".".join(place), found="nothing", expected="a value")
    expected = str(error["msg"]).removeprefix("Value error, ").replace("Input should be ", "")
    return FieldProblem(field=".".join(place), found=_shown(error.get("input")), expected=expected)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 3]}..."
