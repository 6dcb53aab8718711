"""The ingestion API as an application that a server runs or another application mounts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay import __version__
from assay.database.keys import parse_networks
from assay.database.uploads import Upload
from assay.notify.metrics import Metric, put_metric
from assay.serve.app import MAX_ADDRESS_BYTES, describe_problems
from assay.serve.ingest.access import Gate
from assay.serve.ingest.finding import Shelves, finding_router
from assay.serve.ingest.intake import Intake
from assay.serve.ingest.objects import object_router
from assay.serve.ingest.routes import router
from assay.serve.ingest.tokens import Tokens, open_tokens
from assay.serve.problems import Refusal, answer, install
from assay.session import MAX_MANIFEST_BYTES
from assay.settings import Settings
from assay.storage import Storage
from assay.storage.local import LocalStorage
from assay.storage.uploads import UploadStore
from assay.workspace import Workspace

MAX_BODY_BYTES = MAX_MANIFEST_BYTES + 1024
_OBJECTS = "/v1/objects/"
_TAGS = [
    {"name": "access", "description": "From an API key to a token."},
    {"name": "sessions", "description": "Announce, complete, and see where a session stands."},
    {"name": "files", "description": "How to send files: signed requests that bind key, size and SHA-256."},
    {"name": "finding", "description": "For readers: which sessions and files there are."},
    {"name": "objects", "description": "The signed requests themselves, where recordings lie in a folder and not in S3."},
    {"name": "server", "description": "The server itself."},
]


def ingest_app(
    settings: Settings,
    opening: Callable[[], AbstractContextManager[Workspace]],
    *,
    arrived: Callable[[Upload], None] | None = None,
) -> FastAPI:
    """The application. `opening` gives the workspace at the first request; `arrived` is told of every session that is complete.

    Raises AssayError when a network of the settings is none.
    """
    networks = tuple(str(network) for network in parse_networks(settings.ingest_networks.split()))
    opened = Opened(settings, opening, arrived)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        opened.close()

    app = FastAPI(
        title="Assay ingestion API",
        version=__version__,
        summary="Brings recordings of labs into raw storage.",
        description=(
            "An API key gets a token; an announced session gets signed requests that bind key, size and SHA-256, so that nothing "
            "can be replaced; a session is complete when its manifest is written, last. Everything may be asked again. Problems "
            "are answered as `application/problem+json`."
        ),
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    gate = Gate(lambda: opened.workspace.engine, lambda: opened.tokens, networks)
    app.include_router(router(gate, lambda: opened.intake, lambda: put_metric(settings, Metric.UPLOAD_FAILURES, 1)))
    app.include_router(finding_router(gate, lambda: opened.shelves))
    app.include_router(object_router(lambda: opened.tokens, lambda: opened.shelves))
    install(app, other_method="This address takes other methods; nothing is ever deleted or replaced. See /openapi.json.")
    app.add_middleware(BodyLimit)
    describe_problems(app)
    return app


class Opened:
    """What the application works with, opened when it is first needed; safe to ask from many threads."""

    def __init__(
        self,
        settings: Settings,
        opening: Callable[[], AbstractContextManager[Workspace]],
        arrived: Callable[[Upload], None] | None,
    ) -> None:
        self._settings, self._opening, self._arrived = settings, opening, arrived
        self._lock, self._stack = threading.RLock(), ExitStack()
        self._workspace: Workspace | None = None
        self._tokens: Tokens | None = None
        self._intake: Intake | None = None
        self._shelves: Shelves | None = None

    @property
    def workspace(self) -> Workspace:
        """The workspace. Raises DatabaseUnavailable or StorageError."""
        with self._lock:
            if self._workspace is None:
                self._workspace = self._stack.enter_context(self._opening())
            return self._workspace

    @property
    def tokens(self) -> Tokens:
        """What signs tokens and tickets."""
        with self._lock:
            if self._tokens is None:
                self._tokens = open_tokens(self._settings)
            return self._tokens

    @property
    def intake(self) -> Intake:
        """What the endpoints do."""
        with self._lock:
            if self._intake is None:
                settings = self._settings
                storage = Storage.open(
                    settings.recordings_storage_url, region=settings.storage_region, endpoint=settings.storage_endpoint
                )
                self._intake = Intake(
                    self.workspace.engine,
                    open_uploads(settings, storage, self.tokens),
                    storage,
                    settings.ingest_max_file_bytes,
                    settings.ingest_max_session_bytes,
                    self._arrived,
                )
            return self._intake

    @property
    def shelves(self) -> Shelves:
        """Where readers find files."""
        with self._lock:
            if self._shelves is None:
                made, tokens = self.workspace.storage, self.tokens
                processed = open_uploads(self._settings, made, tokens, "processed")
                intake = self.intake
                self._shelves = Shelves(intake.engine, (intake.storage, intake.store), (made, processed))
            return self._shelves

    def close(self) -> None:
        """Let go of the workspace."""
        with self._lock:
            self._workspace = self._intake = self._shelves = None
            self._stack.close()


def open_uploads(settings: Settings, storage: Storage, tokens: Tokens, shelf: str = "raw") -> UploadStore:
    """What signs requests for the store of recordings (`raw`), or for that of what was made of them (`processed`)."""
    if isinstance(storage, LocalStorage):
        from assay.storage.uploads_local import LocalUploads

        return LocalUploads(storage, lambda allowed: tokens.ticket({**allowed, "shelf": shelf}))
    from assay.storage.s3 import S3Storage
    from assay.storage.uploads_s3 import S3Uploads

    assert isinstance(storage, S3Storage)
    return S3Uploads(
        storage.bucket, storage.prefix.strip("/"), region=settings.storage_region, endpoint=settings.storage_endpoint
    )


class BodyLimit:
    """Refuses a body beyond MAX_BODY_BYTES before it is in memory; objects have a limit of their own, in their ticket."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, as long as it stays within the bounds."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_ADDRESS_BYTES:
            detail = f"An address has at most {MAX_ADDRESS_BYTES} bytes."
            await answer(Refusal(414, "address-too-long", "The address is too long", detail))(scope, receive, send)
            return
        if _OBJECTS in scope["path"]:
            await self._app(scope, receive, send)
            return
        refusal = Refusal(413, "too-large", "The body is too large", f"Expected at most {MAX_BODY_BYTES} bytes.")
        stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not stated.isdigit() or int(stated[:20]) > MAX_BODY_BYTES:
            await answer(refusal)(scope, receive, send)
            return
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                raise refusal  # answered as 400 by the reader of the body: it was sent without its length
            return message

        await self._app(scope, bounded, send)
