"""Recording sessions over HTTP, to be mounted into a server that knows who asks: one page and its pictures, read-only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import HTMLResponse, Response

from assay.serve.pages import OpenedWorkspace, page_app, plain
from assay.serve.place import MAX_PLACE_CHARS, from_word
from assay.serve.recordings_page import FAILURE_DAYS, MOST_LISTED, PAGE_SIZE, STYLE, TITLE, Asked, Shown, recordings_html
from assay.workspace import Workspace

MAX_PICTURE_BYTES = 16 * 1024 * 1024
MAX_QUERY_CHARS = 2_000
_Name = Annotated[str, Query(max_length=200)]


def recordings_app(opening: Callable[[], AbstractContextManager[Workspace]], *, dependencies: Sequence[Any]) -> FastAPI:
    """The application: `/`, sessions that answer a question, and `/preview`, a picture of one file.

    `opening` gives the workspace, at the first request. `dependencies`: FastAPI dependencies that every request must pass, such
    as the login of the server that mounts this; there is no default, because the page shows every lab's metadata.
    """
    app = page_app(TITLE, STYLE, dependencies=dependencies)
    workspace = OpenedWorkspace(opening)

    @app.get("/", response_class=HTMLResponse)
    def sessions(
        dataset: _Name = "",
        q: Annotated[str, Query(max_length=MAX_QUERY_CHARS)] = "",
        sort: _Name = "",
        after: Annotated[str, Query(max_length=MAX_PLACE_CHARS)] = "",
    ) -> HTMLResponse:
        shown = _read(workspace(), Asked(plain(dataset), plain(q).strip(), plain(sort), plain(after)))
        return HTMLResponse(recordings_html(shown), status_code=422 if shown.problem else 200)

    @app.get("/preview", response_class=Response)
    def preview(dataset: _Name, session: _Name, key: Annotated[str, Query(max_length=1_024)]) -> Response:
        from assay.database.session_cards import is_picture

        opened = workspace()
        with opened.engine.connect() as connection:
            known = is_picture(connection, plain(dataset), plain(session), plain(key))
        if not known:
            raise HTTPException(404, "no processor made a picture of that name")
        try:
            content = opened.storage.read(key, limit=MAX_PICTURE_BYTES)
        except FileNotFoundError:
            raise HTTPException(404, "the picture is gone; `assay fsck` says what to do") from None
        return Response(content, media_type="image/png")

    return app


def _read(workspace: Workspace, asked: Asked) -> Shown:
    from assay.database.finding import SORTS, Scope, find_sessions
    from assay.database.recordings import datasets_with_recordings
    from assay.database.session_cards import cards
    from assay.database.uploads import on_their_way, reported_failures
    from assay.query.grammar import NotAQuestion, parse
    from assay.query.sql import condition

    datasets = tuple(datasets_with_recordings(workspace.engine))
    asked = asked.of(dataset=asked.dataset or (datasets[0] if datasets else "recordings"))
    asked = asked.of(sort=asked.sort if asked.sort in SORTS else "-started")
    problem, where, values = "", "true", {}  # type: str, str, dict[str, Any]
    try:
        if asked.query:
            where, values = condition(parse(asked.query))
    except NotAQuestion as error:
        problem = str(error)
    try:
        place = from_word(asked.after)
    except ValueError:
        place, asked = None, asked.of(after="")
    with workspace.engine.connect() as connection:
        rows: list[dict[str, Any]] = []
        if not problem:
            found = find_sessions(
                connection, Scope(asked.dataset, None), where, values, sort=asked.sort, after=place, limit=PAGE_SIZE + 1
            )
            rows = [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]
        return Shown(
            asked=asked,
            datasets=datasets,
            rows=rows[:PAGE_SIZE],
            more=len(rows) > PAGE_SIZE,
            cards=cards(connection, asked.dataset, [row["session"] for row in rows[:PAGE_SIZE]]),
            coming=on_their_way(connection, asked.dataset, limit=MOST_LISTED).to_dict("records"),
            failures=reported_failures(connection, asked.dataset, days=FAILURE_DAYS, limit=MOST_LISTED).to_dict("records"),
            problem=problem,
        )
