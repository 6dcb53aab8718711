"""The whole path through the ledger, in a process of its own that can be killed: what test_ledger_faults starts."""

from __future__ import annotations

import multiprocessing
from multiprocessing.process import BaseProcess
from typing import Any

import pandas as pd
from assay.database.engine import connect
from assay.database.ledger import Ledger
from made_sessions import made_arrival, made_findings

REJECTED = 3
HELD = 2


def walk(url: str, count: int) -> None:
    """Sessions enter, are verified, read and judged, and go into a snapshot; a few are held or rejected on the way."""
    ledger = Ledger(connect(url), "default")
    arrivals = [made_arrival(number) for number in range(count)]
    sessions = [arrival.manifest.session for arrival in arrivals]
    ledger.register_many(arrivals)
    for number in range(REJECTED):
        ledger.reject(f"{number}.json", "not JSON", "0" * 64)
    ledger.record_findings("verify", sessions, made_findings((sessions[0], "a.hash", "quarantine")))
    ledger.mark_verified(sessions)
    ledger.record_findings("read", sessions, made_findings((sessions[1], "b.read", "quarantine")))
    ledger.mark_read(dict.fromkeys(sessions, "kind=x/1.parquet"), {session: {"n": 1} for session in sessions})
    rest = sessions[HELD:]
    ledger.record_judgement(
        pd.DataFrame({"session": rest, "verdict": ["accepted with warnings"] * len(rest)}),
        made_findings(*((session, rule, "warning") for session in rest for rule in ("c.cv", "d.drift"))),
    )
    ledger.begin_snapshot("2024-11-20", content_digest="x", sessions=rest)
    ledger.commit_snapshot("2024-11-20", commit="abc", manifest_sha256="def")
    ledger.finish_snapshot("2024-11-20")


def hold(url: str, held: Any, leave: Any) -> None:
    """Hold the lock `statistics` until told to leave."""
    with Ledger(connect(url), "default").lock("statistics"):
        held.set()
        leave.wait()


CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


def started(target: Any, *given: Any) -> BaseProcess:
    """A process that runs one of the functions here; the imports are paid once for all of them."""
    process = CONTEXT.Process(target=target, args=given, daemon=True)
    process.start()
    return process
