"""The endpoints of the reporting API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from assay.database.listing import Wanted
from assay.database.words import SnapshotState
from assay.dataset.api import endpoints_document
from assay.dataset.models import DOCUMENTS
from assay.serve.answers import Health, Latest, Listed, Rankings, Session, Sessions, Statistics
from assay.serve.filters import Paged, RankingFilter, SessionFilter, StatisticFilter
from assay.serve.problems import FieldProblem, Refusal, responses
from assay.serve.rows import ranking_rows, session_rows, statistic_rows
from assay.serve.view import LiveView, View

PARQUET = "application/vnd.apache.parquet"
_FRESH = {"Cache-Control": "no-cache"}  # may be kept, must be asked for again: the ETag makes that cheap
_ETAG: dict[str, Any] = {"ETag": {"description": "Of the answer.", "schema": {"type": "string"}}}
_EXAMPLE: dict[str, Any] = {"schema_version": "1.1.0", "last_updated": "2024-11-20T12:10:00Z", "benchmarks": {}}
_DOCUMENT: dict[str, Any] = {
    "description": "The document, as it would be published now.",
    "headers": _ETAG,
    "content": {
        "application/json": {"schema": {"type": ["object", "array"]}, "example": _EXAMPLE},
        PARQUET: {"schema": {"type": "string", "format": "binary"}},
    },
}
_SAME: dict[str, Any] = {"description": "What you have (`If-None-Match`) is what there is.", "headers": _ETAG}
_DOCUMENT_NAMES = [*DOCUMENTS, "statistics.parquet", "measurements.parquet"]


def router(live: LiveView) -> APIRouter:
    """The endpoints over one dataset."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/health", summary="Whether the server answers", tags=["server"], responses=responses())
    def health() -> Health:
        """Asks nothing of the database."""
        return Health(status="ok", dataset=live.dataset)

    @routes.get(
        "/latest",
        summary="The documents that there are now",
        tags=["documents"],
        response_model_exclude_none=True,
        responses=responses(404),
    )
    def latest(response: Response) -> Latest:
        """Size and hash of each, and whether a published snapshot says the same already."""
        view = live.now()
        listed = _latest(live, view)
        response.headers.update(_FRESH)
        return listed

    @routes.get(
        "/latest/{document}",
        summary="One document, as of now",
        tags=["documents"],
        response_class=Response,
        responses={200: _DOCUMENT, 304: _SAME, **responses(404)},
    )
    @routes.head("/latest/{document}", include_in_schema=False)
    def document(
        request: Request,
        document: Annotated[
            str,
            Path(
                max_length=100,
                pattern=r"^[A-Za-z0-9._-]+$",
                description="Name of a document, as in `data/processed/latest/` of the published dataset.",
                examples=["memory-benchmarks.json"],
                json_schema_extra={"enum": _DOCUMENT_NAMES},
            ),
        ],
    ) -> Response:
        """Same name, shape and schema as published, with the sessions that are not in a snapshot yet."""
        view = live.now()
        if document not in view.documents:
            known = ", ".join(sorted(view.documents))
            problem = FieldProblem(field="document", found=document, expected=f"one of {known}")
            raise Refusal(404, "unknown-document", "There is no such document", "GET /v1/latest lists them.", [problem])
        headers = {**_FRESH, "ETag": f'W/"{view.hashes[document]}"', "X-Content-Digest": view.digest}
        if _has(request, view.hashes[document]):
            return Response(status_code=304, headers=headers)
        kind = PARQUET if document.endswith(".parquet") else "application/json"
        return Response(view.documents[document], headers=headers, media_type=kind)

    @routes.get(
        "/statistics",
        summary="Statistics by custom filters",
        tags=["filters"],
        response_model_exclude_none=True,
        responses=responses(404),
    )
    def statistics(request: Request, response: Response, wanted: Annotated[StatisticFilter, Query()]) -> Statistics:
        """One row an aggregation key: types, variants and provisional values alike, in the order of the key."""
        view = live.now()
        total, items = statistic_rows(view, wanted)
        response.headers.update(_FRESH)
        page = _page(request, wanted, total)
        return Statistics(**page, content_digest=view.digest, items=items)

    @routes.get(
        "/rankings",
        summary="Rankings among the types that you choose",
        tags=["filters"],
        response_model_exclude_none=True,
        responses=responses(404),
    )
    def rankings(request: Request, response: Response, wanted: Annotated[RankingFilter, Query()]) -> Rankings:
        """Ranked anew among the members that pass, by the rule of instance-rankings.json; without filters they are the same.

        `cost_efficiency` is made of one of them and stands in that document alone.
        """
        view = live.now()
        total, items = ranking_rows(view, wanted)
        response.headers.update(_FRESH)
        return Rankings(**_page(request, wanted, total), content_digest=view.digest, items=items)

    @routes.get(
        "/sessions",
        summary="Sessions and where they stand",
        tags=["sessions"],
        response_model_exclude_none=True,
        responses=responses(),
    )
    def sessions(request: Request, response: Response, wanted: Annotated[SessionFilter, Query()]) -> Sessions:
        """Newest first: state, verdict with reasons, and whether they are published; also those that are not judged yet."""
        ledger = live.workspace.ledger
        which = Wanted(
            states=wanted.state or None,
            verdicts=wanted.verdict or None,
            subjects=wanted.instance or None,
            kinds=wanted.kind or None,
            published=wanted.published,
            started_from=wanted.started_from,
            started_before=wanted.started_before,
        )
        total, page = ledger.list_sessions(which, limit=wanted.limit, offset=wanted.offset)
        response.headers.update(_FRESH)
        return Sessions(**_page(request, wanted, total), items=session_rows(page, ledger.findings(list(page["session"]))))

    @routes.get(
        "/sessions/{session}",
        summary="One session",
        tags=["sessions"],
        response_model_exclude_none=True,
        responses=responses(404),
    )
    def session(
        response: Response,
        session: Annotated[
            str,
            Path(
                pattern=r"^\d{8}T\d{6}Z-[0-9a-f]{12}$", description="Id of a session.", examples=["20241120T093011Z-3fa9c2d1e0b4"]
            ),
        ],
    ) -> Session:
        """State, verdict and everything that the rules found."""
        ledger = live.workspace.ledger
        _, found = ledger.list_sessions(Wanted(session=session), limit=1)
        if found.empty:
            raise Refusal(404, "unknown-session", "There is no such session", "GET /v1/sessions lists those of this dataset.")
        response.headers.update(_FRESH)
        return session_rows(found, ledger.findings([session]))[0]

    return routes


def _latest(live: LiveView, view: View) -> Latest:
    ledger = live.workspace.ledger
    snapshots = ledger.snapshots()
    published = snapshots[snapshots["state"] == SnapshotState.PUBLISHED.value]
    same = published[published["content_digest"] == view.digest]
    return Latest(
        dataset=live.dataset,
        content_digest=view.digest,
        published_as=None if same.empty else str(same.iloc[-1]["name"]),
        last_snapshot=None if published.empty else str(published.iloc[-1]["name"]),
        sessions_waiting=ledger.count_unpublished(),
        documents=[
            Listed(
                path=entry["path"],
                title=entry["title"],
                bytes=entry["bytes"],
                sha256=entry["sha256"],
                schema_path=entry.get("schema"),
            )
            for entry in endpoints_document(view.documents)["endpoints"]
        ],
    )


def _has(request: Request, digest: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return any(tag.strip().removeprefix("W/") in (f'"{digest}"', "*") for tag in given.split(","))


def _page(request: Request, wanted: Paged, total: int) -> dict[str, Any]:
    after = wanted.offset + wanted.limit
    more = after < total
    return {
        "total": total,
        "limit": wanted.limit,
        "offset": wanted.offset,
        "next": f"?{request.url.include_query_params(offset=after).query}" if more else None,
    }
