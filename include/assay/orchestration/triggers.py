"""Waits for machines in the triggerer: one look at EC2 and storage serves all who wait for machines of a run in a region."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from sqlalchemy import Engine

from assay.collect.fleet.launch import Launched
from assay.collect.fleet.record import record_report
from assay.collect.fleet.watch import SharedLook, Standing, judge, read_progress
from assay.database.engine import make_engine
from assay.errors import AssayError, DatabaseUnavailable
from assay.settings import Settings
from assay.storage import Storage

MAX_LOOKS = 64
"""Runs and regions that are looked at by one triggerer; more than that is forgotten, oldest first, and made anew."""

log = logging.getLogger(__name__)

_looks: dict[tuple[str, str, str], SharedLook] = {}
_looks_lock = threading.Lock()


class ManifestTrigger(BaseTrigger):
    """Fires when a machine has uploaded its manifest, or when it is known that it never will.

    The event: `outcome` (`uploaded`, or a class of failure), `says`, a sentence, and `launched` as it was given, which is a
    `Launched.to_document`.
    """

    def __init__(self, launched: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.launched = launched

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {"launched": self.launched}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        settings = Settings()
        launched = Launched(**self.launched)
        said = ""
        while True:
            try:
                standing = await asyncio.to_thread(_look, settings, launched)
            except AssayError as error:
                # What may pass; the machine ends itself in any case, and the task has a timeout.
                self.log.warning("%s: cannot look: %s", launched.slot, error)
            else:
                if standing.says != said:
                    said = standing.says
                    self.log.info("%s", said)
                    await asyncio.to_thread(_tell_ledger, settings, launched, standing)
                if standing.outcome:
                    yield TriggerEvent(  # type: ignore[no-untyped-call]
                        {"outcome": str(standing.outcome), "says": standing.says, "launched": self.launched}
                    )
                    return
            await asyncio.sleep(settings.fleet_poll_seconds)


def _look(settings: Settings, launched: Launched) -> Standing:
    shared = _shared(settings, launched)
    view = shared.view()
    return judge(launched, view, read_progress(shared.storage, launched))


def _tell_ledger(settings: Settings, launched: Launched, standing: Standing) -> None:
    """What a machine reports of itself. Where the triggerer knows no database, or it is away, the next report will do."""
    if settings.database_url is None or standing.outcome:
        return
    try:
        record_report(_engine(settings.database_url.get_secret_value()), launched, standing.reported, standing.says)
    except DatabaseUnavailable as error:
        log.warning("%s: the ledger was not told: %s", launched.slot, error)


@cache
def _engine(url: str) -> Engine:
    return make_engine(url)


def _shared(settings: Settings, launched: Launched) -> SharedLook:
    key = (settings.object_storage_url, launched.run, launched.region)
    with _looks_lock:
        if key not in _looks:
            while len(_looks) >= MAX_LOOKS:
                del _looks[next(iter(_looks))]
            storage = Storage.open(
                settings.object_storage_url, region=settings.storage_region, endpoint=settings.storage_endpoint
            )
            # Half: who asks in turn, every `fleet_poll_seconds`, must not get a view that is nearly as old again.
            _looks[key] = SharedLook(storage, launched.run, launched.region, settings.fleet_poll_seconds / 2)
        return _looks[key]
