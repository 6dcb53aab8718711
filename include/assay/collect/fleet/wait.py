"""Waits for machines, many in one process: one look at EC2 and storage serves all who wait for machines of a run in a region."""

from __future__ import annotations

import asyncio
import threading
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Engine

from assay.collect.fleet.launch import Launched
from assay.collect.fleet.record import record_report
from assay.collect.fleet.watch import SharedLook, Standing, judge, read_progress
from assay.database.engine import make_engine
from assay.errors import AssayError
from assay.settings import Settings
from assay.storage import Storage

MAX_LOOKS = 64
"""Runs and regions that are looked at by one process; more than that is forgotten, oldest first, and made anew."""

_looks: dict[tuple[str, str, str], SharedLook] = {}
_looks_lock = threading.Lock()


class Log(Protocol):
    """Where it is said what a machine reports."""

    def info(self, message: Any, /, *given: Any) -> Any: ...

    def warning(self, message: Any, /, *given: Any) -> Any: ...


async def wait_for(settings: Settings, launched: Launched, log: Log) -> Standing:
    """Wait, without blocking the loop, until a machine has uploaded its manifest or is known never to; gives where it stands.

    What it reports meanwhile goes to the log and to the ledger.
    """
    said = ""
    while True:
        # Before the first look too: a trigger that fires at once can overtake the news of the deferral on its way to Airflow's
        # scheduler, which then takes the task for one that died, and a try is lost.
        await asyncio.sleep(settings.fleet_poll_seconds)
        try:
            standing = await asyncio.to_thread(_look, settings, launched)
            if standing.says != said:
                said = standing.says
                log.info("%s", said)
                await asyncio.to_thread(_tell_ledger, settings, launched, standing)
        except AssayError as error:
            # What may pass; the machine ends itself in any case, and the task has a timeout.
            log.warning("%s: cannot look: %s", launched.slot, error)
        else:
            if standing.outcome:
                return standing


def _look(settings: Settings, launched: Launched) -> Standing:
    shared = _shared(settings, launched)
    view = shared.view()
    return judge(launched, view, read_progress(shared.storage, launched))


def _tell_ledger(settings: Settings, launched: Launched, standing: Standing) -> None:
    """What a machine reports of itself, where this process knows the database. How it ended, the task tells."""
    if settings.database_url is not None and not standing.outcome:
        record_report(_engine(settings.database_url.get_secret_value()), launched, standing.reported, standing.says)


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
