"""The reporting API inside the Airflow API server, behind Airflow's own login."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

PREFIX = "/assay"
"""Where the API server mounts it; Airflow asks for no login below a mounted application, so the application asks itself."""


class ReportingApp:
    """The application, made at the first request: every process of Airflow loads the plugin, one of them serves."""

    def __init__(self) -> None:
        self._app: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI application."""
        if self._app is None:
            self._app = await asyncio.to_thread(_make)
        await self._app(scope, receive, send)


def _make() -> FastAPI:
    """Who is not logged in to Airflow gets 401."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends

    from assay.serve.server import reporting_app
    from assay.settings import Settings

    return reporting_app(Settings(), dependencies=[Depends(get_user)], origins=())
