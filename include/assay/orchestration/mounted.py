"""What the plugin mounts into the Airflow API server: reporting API, quarantine, recordings and explorer behind its own login,
and the ingestion API, which lab machines use with keys of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

REPORTING = "/assay"
QUARANTINE = "/assay-quarantine"
SESSIONS = "/assay-sessions"
EXPLORER = "/assay-explorer"
INGESTION = "/assay-recordings"
"""Where the API server mounts them; Airflow asks for no login below a mounted application, so each application asks itself."""


class MountedApp:
    """An application that is made at the first request: every process of Airflow loads the plugin, one of them serves."""

    def __init__(self, make: Callable[[], FastAPI]) -> None:
        self._make = make
        self._app: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI application."""
        if self._app is None:
            self._app = await asyncio.to_thread(self._make)
        await self._app(scope, receive, send)


def reporting() -> FastAPI:
    """The reporting API; who is not logged in to Airflow gets 401."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends

    from assay.serve.server import reporting_app
    from assay.settings import Settings

    return reporting_app(Settings(), dependencies=[Depends(get_user)], origins=())


def quarantine() -> FastAPI:
    """The pages of the quarantine; who is not logged in to Airflow gets 401, and nobody can change anything there."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends

    from assay.serve.quarantine import quarantine_app
    from assay.workspace import open_workspace

    return quarantine_app(open_workspace, dependencies=[Depends(get_user)])


def recordings() -> FastAPI:
    """The page of recording sessions; who is not logged in to Airflow gets 401, and nobody can change anything there."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends

    from assay.serve.recordings import recordings_app
    from assay.workspace import open_workspace

    return recordings_app(open_workspace, dependencies=[Depends(get_user)])


def explorer() -> FastAPI:
    """The newest published snapshot of the default dataset, as a page; who is not logged in to Airflow gets 401."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends

    from assay.publish.local import LocalRepository
    from assay.serve.site import create_site
    from assay.settings import Settings

    settings = Settings()
    repository = settings.git_repository(settings.dataset)
    return create_site(lambda: LocalRepository(repository), dependencies=[Depends(get_user)])


def ingestion() -> FastAPI:
    """The ingestion API; it asks for its own API keys, since a lab machine has no account in Airflow."""
    from assay.orchestration.arrived import start_ingestion
    from assay.serve.ingest.app import ingest_app
    from assay.settings import Settings
    from assay.workspace import open_workspace

    return ingest_app(Settings(), open_workspace, arrived=start_ingestion)
