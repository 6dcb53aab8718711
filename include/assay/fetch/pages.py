"""The answers of the API for readers, page after page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from assay.errors import AssayError
from assay.settings import Settings
from assay.ship.api import Api

MOST_ROWS = 500
"""Of a page."""


@contextlib.contextmanager
def reading(settings: Settings | None = None, *, connections: int = 8) -> Iterator[Api]:
    """The API with the reader's key. Raises AssayError where address or key are not set."""
    settings = settings or Settings()
    key = settings.fetch_key.get_secret_value() if settings.fetch_key else ""
    if not settings.fetch_url or not key:
        raise AssayError(
            "ASSAY_FETCH_URL, ASSAY_FETCH_KEY: found nothing; expected the address of the ingestion API, such as "
            "https://assay.example/recordings/, and a key of `assay keys create --right read`"
        )
    api = Api(settings.fetch_url, key, setting="ASSAY_FETCH_URL", connections=connections)
    try:
        yield api
    finally:
        api.close()


def pages(api: Api, listed: str, **asked: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every page of `sessions` or `files`: its address, and its rows. Raises Refused when the question cannot be answered."""
    address: str | None = f"v1/{listed}?{urlencode(asked)}"
    while address:
        answer = api.ask("GET", address)
        yield address, answer[listed]
        address = answer["next"]


def file_pages(api: Api, query: str, *, raw: bool = False, limit: int = MOST_ROWS) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every page of the files of the sessions that answer a question: as the lab sent them, or what was made of them."""
    return pages(api, "files", q=query, limit=limit, what="raw" if raw else "processed")
