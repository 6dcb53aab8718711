"""The quarantine over HTTP, to be mounted into a server that knows who asks: two pages, read-only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse

from assay.serve.pages import MOST_PAGES, OpenedWorkspace, page_app, plain
from assay.serve.quarantine_page import PAGE_SIZE, STYLE, Choice, quarantine_html, rules_html
from assay.workspace import Workspace

_Name = Annotated[str, Query(max_length=200)]
_Number = Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)]


def quarantine_app(opening: Callable[[], AbstractContextManager[Workspace]], *, dependencies: Sequence[Any]) -> FastAPI:
    """The application: `/`, sessions with their reasons, and `/rules`, what the rules say.

    `opening` gives the workspace, at the first request; its dataset is shown unless another is asked for. `dependencies`: FastAPI
    dependencies that every request must pass, such as the login of the server that mounts this; there is no default, because
    the page says who decided what.
    """
    app = page_app("Quarantine", STYLE, dependencies=dependencies)
    workspace = OpenedWorkspace(opening)

    @app.get("/", response_class=HTMLResponse)
    def sessions(dataset: _Name = "", rule: _Name = "", source: _Name = "", number: _Number = 1) -> str:
        from assay.database.quarantine import read_page

        opened = workspace()
        chosen = Choice(plain(dataset) or opened.dataset, plain(rule), plain(source), number)
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

    return app
