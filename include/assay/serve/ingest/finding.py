"""Which recordings there are: sessions and files that answer a question, page by page, with requests that read the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Engine

from assay.database.finding import After, Scope, find_files, find_sessions
from assay.query.grammar import MAX_CHARS, NotAQuestion, parse
from assay.query.sql import condition
from assay.serve.ingest.access import Caller, Gate
from assay.serve.ingest.bodies import SignedRequest
from assay.serve.place import MAX_PLACE_CHARS, as_word, from_word
from assay.serve.problems import FieldProblem, Refusal, responses
from assay.session import format_time
from assay.storage import Storage
from assay.storage.uploads import UploadStore

MOST_ROWS = 500

Question = Annotated[
    str,
    Query(
        max_length=MAX_CHARS,
        description="Comparisons of metadata variables, and of lab, session, folder, state, verdict, started, ended and "
        "registered, joined by and, or, not and parentheses; empty: all.",
        examples=['fatigue>=3 and hardware_model~"X1"', "started>=2024-02-29 and verdict='accepted'"],
    ),
]
Sort = Annotated[
    Literal["started", "-started", "registered", "-registered"], Query(description="Order; a minus is the newest first.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows of a page.")]
Place = Annotated[str, Query(max_length=MAX_PLACE_CHARS, description="Where the page begins: from `next` of the page before.")]


class Value(BaseModel):
    """One metadata variable."""

    value: float | str
    unit: str = Field(description="Unit of a number; `1` for a count or a level, empty for a text.")
    known: bool = Field(description="Whether the lab's schema has it.")


class FoundSession(BaseModel):
    """One recording session."""

    session: str
    folder: str | None = Field(description="Name of the lab's folder.")
    started_at: str
    ended_at: str
    state: str = Field(description="arrived, verified, read or judged.")
    verdict: str | None = Field(description="accepted, accepted with warnings, quarantined or rejected; null until judged.")
    reasons: list[str] = Field(description="Why it is in quarantine.")
    files: int = Field(description="Raw files.")
    bytes: int = Field(description="Bytes of the raw files.")
    metadata: dict[str, Value]


class FoundSessions(BaseModel):
    """A page of sessions."""

    sessions: list[FoundSession]
    next: str | None = Field(description="Address of the next page, relative to this API; null: this is the last.")


class FoundFile(BaseModel):
    """One file."""

    session: str
    folder: str | None
    path: str = Field(description="The raw file: its path in the session's folder.")
    name: str = Field(description="Where to put it below a folder of your own; no two files of an answer share a name.")
    uri: str = Field(description="Full name in storage, such as `s3://bucket/key`.")
    media_type: str
    processor: str = Field(description="What made it; empty for a raw file.")
    version: str
    size: int
    sha256: str
    request: SignedRequest = Field(description="Reads it, within 15 minutes.")


class FoundFiles(BaseModel):
    """A page of files."""

    files: list[FoundFile]
    next: str | None = Field(description="Address of the next page, relative to this API; null: this is the last.")


@dataclass(frozen=True)
class Shelves:
    """Where files lie: raw ones as they came, and those that processors made; what lists them, and what signs."""

    engine: Engine
    raw: tuple[Storage, UploadStore]
    processed: tuple[Storage, UploadStore]


def finding_router(gate: Gate, shelves: Callable[[], Shelves]) -> APIRouter:
    """The endpoints for readers."""
    routes = APIRouter(prefix="/v1", tags=["finding"])
    reader: Any = Depends(gate.reader)
    answers = responses(400, 401, 403, 413, 429)

    @routes.get("/sessions", summary="Sessions that answer a question", responses=answers)
    def sessions(
        q: Question = "", sort: Sort = "-started", limit: Limit = 100, after: Place = "", caller: Caller = reader
    ) -> FoundSessions:
        """Sessions of the key's lab, with metadata, verdict and reasons."""
        with caller.audited("find"):
            caller.detail = q
            where, values = _condition(q)
            with shelves().engine.connect() as connection:
                found = find_sessions(connection, _scope(caller), where, values, sort=sort, after=_place(after), limit=limit + 1)
        rows = found.to_dict("records")
        return FoundSessions(
            sessions=[_session({str(name): value for name, value in row.items()}) for row in rows[:limit]],
            next=_next("sessions", {"q": q, "sort": sort, "limit": limit}, rows, limit),
        )

    @routes.get("/files", summary="Files of the sessions that answer a question", responses=answers)
    def files(
        q: Question = "",
        what: Annotated[
            Literal["processed", "raw"], Query(description="What processors made, or what the lab sent.")
        ] = "processed",
        sort: Sort = "-started",
        limit: Limit = 100,
        after: Place = "",
        caller: Caller = reader,
    ) -> FoundFiles:
        """Each with its size, SHA-256, full name, and a signed request that reads it."""
        with caller.audited("find"):
            caller.detail = f"{what} files: {q}"
            where, values = _condition(q)
            held = shelves()
            with held.engine.connect() as connection:
                found = find_files(
                    connection,
                    _scope(caller),
                    where,
                    values,
                    raw=what == "raw",
                    sort=sort,
                    after=_place(after),
                    limit=limit + 1,
                )
        rows = found.to_dict("records")
        shelf = held.raw if what == "raw" else held.processed
        return FoundFiles(
            files=[_file({str(name): value for name, value in row.items()}, *shelf) for row in rows[:limit]],
            next=_next("files", {"q": q, "what": what, "sort": sort, "limit": limit}, rows, limit),
        )

    return routes


def _condition(question: str) -> tuple[str, dict[str, Any]]:
    if not question.strip():
        return "true", {}
    try:
        return condition(parse(question))
    except NotAQuestion as error:
        raise Refusal(
            422,
            "invalid-query",
            "The question cannot be answered",
            str(error),
            [FieldProblem(field="q", found=question[:80], expected='such as fatigue>=3 and hardware_model~"X1"')],
        ) from error


def _scope(caller: Caller) -> Scope:
    return Scope(caller.key.dataset, caller.key.lab)


def _place(text: str) -> After | None:
    try:
        return from_word(text)
    except ValueError:
        field = FieldProblem(field="after", found=text[:80], expected="`next` of the page before")
        raise Refusal(422, "invalid-parameter", "There is no such page", "Begin with the first page.", [field]) from None


def _next(what: str, asked: dict[str, Any], rows: list[dict[Any, Any]], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    return f"v1/{what}?{urlencode({**asked, 'after': as_word(rows[limit - 1])})}"


def _session(row: dict[str, Any]) -> FoundSession:
    return FoundSession(
        session=row["session"],
        folder=row["folder"],
        started_at=format_time(row["started_at"]),
        ended_at=format_time(row["ended_at"]),
        state=row["state"],
        verdict=row["verdict"],
        reasons=list(row["reasons"]),
        files=row["files"],
        bytes=row["bytes"],
        metadata={name: Value(**value) for name, value in sorted(row["metadata"].items())},
    )


def _file(row: dict[str, Any], storage: Storage, store: UploadStore) -> FoundFile:
    signed = store.get(row["key"])
    made = bool(row["processor"])
    name = row["key"].rpartition("/")[2] if made else row["path"]
    # What processors made of two raw files may have the same last part of a key.
    below = f"{row['session']}/{row['path']}.{row['processor']}-{row['version']}/{name}" if made else f"{row['session']}/{name}"
    return FoundFile(
        session=row["session"],
        folder=row["folder"],
        path=row["path"],
        name=below,
        uri=storage.uri(row["key"]),
        media_type=row["media_type"],
        processor=row["processor"],
        version=row["version"],
        size=row["size"],
        sha256=row["sha256"],
        request=SignedRequest(method="GET", url=signed.url, headers=dict(signed.headers)),
    )
