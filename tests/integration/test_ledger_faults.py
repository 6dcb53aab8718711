"""The ledger when processes are killed, come at once, or lose the database: run again, it stands as if nothing had happened."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event as EventClass

import pytest
from assay.database import migrate
from assay.database.engine import connect
from assay.database.ledger import Accounting, Ledger
from assay.errors import DatabaseUnavailable
from ledger_walk import CONTEXT, HELD, REJECTED, hold, started, walk
from made_sessions import made_arrival, made_findings, made_manifest
from sqlalchemy import Engine, text

COUNT = 1_500
END = Accounting(read=COUNT + REJECTED, accepted=COUNT - HELD, quarantined=HELD, rejected=REJECTED, pending=0)


def content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the tables but the times of writing."""
    queries = {
        "sessions": "session, state, verdict, batch, profile::text, manifest_sha256",
        "raw_files": "session, path, size, sha256",
        "findings": "session, stage, number, rule, severity",
        "rejections": "source_file, sha256, reason",
        "snapshots": "name, state, commit, manifest_sha256, content_digest",
        "snapshot_sessions": "name, session",
    }
    with engine.connect() as connection:
        return {
            table: [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM assay.{table} ORDER BY {columns}"))]
            for table, columns in queries.items()
        }


@pytest.fixture
def undisturbed(empty_database_url: str) -> dict[str, list[tuple[object, ...]]]:
    """What the tables hold when nothing goes wrong."""
    engine = connect(empty_database_url)
    migrate.upgrade(engine)
    walk(empty_database_url, COUNT)
    try:
        return content(engine)
    finally:
        engine.dispose()


@pytest.mark.parametrize("delays", [(0.2, 0.5, 0.9), pytest.param([n / 20 for n in range(1, 60)], marks=pytest.mark.full)])
def test_killed_at_any_moment_and_run_again_it_ends_as_if_undisturbed(
    database_url: str, engine: Engine, undisturbed: dict[str, list[tuple[object, ...]]], delays: list[float]
) -> None:
    ledger = Ledger(engine, "default")
    for delay in delays:
        process = started(walk, database_url, COUNT)
        time.sleep(delay)
        process.kill()
        process.join()
        found = ledger.accounting()
        assert found.read == found.accepted + found.quarantined + found.rejected + found.pending
        assert found.read - found.rejected in (0, COUNT)
    walk(database_url, COUNT)
    assert ledger.accounting() == END
    assert content(engine) == undisturbed


def test_two_walkers_at_once_end_as_one(
    database_url: str, engine: Engine, undisturbed: dict[str, list[tuple[object, ...]]]
) -> None:
    walkers = [started(walk, database_url, COUNT) for _ in range(2)]
    for walker in walkers:
        walker.join(120)
    assert [walker.exitcode for walker in walkers] == [0, 0]
    assert Ledger(engine, "default").accounting() == END
    assert content(engine) == undisturbed


def test_many_writers_in_any_order_do_not_lock_each_other_out(ledger: Ledger) -> None:
    def work(turn: int) -> int:
        numbers = list(range(turn * 10, turn * 10 + 60))
        if turn % 2:
            numbers.reverse()
        new = len(ledger.register_many(made_arrival(number) for number in numbers).new)
        sessions = [made_manifest(number).session for number in numbers]
        ledger.mark_verified(sessions)
        ledger.record_findings("check", sessions, made_findings(*((s, "a", "warning") for s in sessions)))
        return new

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(12))) == 170
    assert ledger.accounting().read == 170
    assert len(ledger.findings()) == 170


def test_a_database_that_goes_away_in_the_middle_leaves_nothing_half_done(ledger: Ledger, database_url: str) -> None:
    stop = threading.Event()
    other = connect(database_url)

    def cut() -> None:
        while not stop.is_set():
            with other.connect() as connection:
                mine = "datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
                connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"))
            time.sleep(0.01)

    def register_again_and_again() -> None:
        for _ in range(50):
            ledger.register_many(made_arrival(number) for number in range(COUNT))

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        with pytest.raises(DatabaseUnavailable, match="the database went away"):
            register_again_and_again()
    finally:
        stop.set()
        thread.join()
        other.dispose()
    assert ledger.accounting().read in (0, COUNT)
    ledger.register_many(made_arrival(number) for number in range(COUNT))
    assert ledger.accounting().read == COUNT
    assert len(ledger.raw_files()) == 2 * COUNT


@pytest.fixture
def held_elsewhere(database_url: str) -> Iterator[tuple[BaseProcess, EventClass]]:
    """Another process that holds the lock `statistics`, and the event that tells it to leave."""
    held, leave = CONTEXT.Event(), CONTEXT.Event()
    process = started(hold, database_url, held, leave)
    assert held.wait(60)
    yield process, leave
    process.kill()
    process.join()


@pytest.mark.parametrize("end", ["leave", "kill"])
def test_a_lock_is_waited_for_until_its_holder_leaves_or_dies(
    ledger: Ledger, held_elsewhere: tuple[BaseProcess, EventClass], end: str
) -> None:
    entered = threading.Event()

    def enter() -> None:
        with ledger.lock("statistics"):
            entered.set()

    process, leave = held_elsewhere
    thread = threading.Thread(target=enter)
    thread.start()
    assert not entered.wait(0.3)
    if end == "kill":
        process.kill()
    else:
        leave.set()
    assert entered.wait(30)
    thread.join()


def test_locks_of_other_names_and_datasets_are_others(
    ledger: Ledger, engine: Engine, held_elsewhere: tuple[BaseProcess, EventClass]
) -> None:
    with ledger.lock("publish"), Ledger(engine, "other").lock("statistics"):
        assert held_elsewhere[0].is_alive()


def test_a_lock_that_was_lost_in_between_is_told(ledger: Ledger, database_url: str) -> None:
    def lose_it() -> None:
        with ledger.lock("statistics"):
            other = connect(database_url)
            with other.connect() as connection:
                mine = "datname = current_database() AND pid <> pg_backend_pid()"
                connection.execute(text(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {mine}"))
            other.dispose()

    with pytest.raises(DatabaseUnavailable):
        lose_it()


def test_an_error_under_a_lock_lets_go_of_it(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.lock("statistics"):
            raise KeyError("of the work")

    for _ in range(2):
        with pytest.raises(KeyError, match="of the work"):
            fail()


def test_a_lock_is_let_go_when_its_work_fails(ledger: Ledger, database_url: str) -> None:
    with pytest.raises(ValueError, match="failed"), ledger.lock("publish"):
        raise ValueError("failed")
    other = connect(database_url)
    try:
        with other.connect() as connection:
            deadline = time.monotonic() + 30
            query = text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database "
                "WHERE datname = current_database())"
            )
            while connection.scalar(query) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert connection.scalar(query) == 0
        with Ledger(other, "default").lock("publish"):
            pass
    finally:
        other.dispose()
