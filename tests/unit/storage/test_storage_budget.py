"""Readers that run ahead hold a bounded number of bytes."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from queue import SimpleQueue

from assay.storage.parallel import ByteBudget, in_background


def test_what_does_not_fit_waits_until_something_is_given_back() -> None:
    async def scenario() -> None:
        budget = ByteBudget(100)
        assert budget.take_now(80)
        assert not budget.take_now(30)
        reader = asyncio.create_task(budget.take(30))
        await asyncio.sleep(0.01)
        assert not reader.done()
        await budget.give(80)
        await asyncio.wait_for(reader, 10)
        assert not budget.take_now(71)
        assert budget.take_now(70)

    asyncio.run(scenario())


def test_an_object_larger_than_the_budget_is_read_alone() -> None:
    async def scenario() -> None:
        budget = ByteBudget(100)
        assert budget.take_now(500)
        assert not budget.take_now(1)
        await budget.give(500)
        assert budget.take_now(1)

    asyncio.run(scenario())


def test_what_still_runs_in_the_background_is_cancelled_at_the_end() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def forever() -> None:
        begun.set()
        try:
            await asyncio.sleep(3_600)
        finally:
            cancelled.set()

    with in_background() as start:
        start(forever())
        assert begun.wait(10)
    assert cancelled.is_set()


def thread_of_a_task() -> str:
    ran: SimpleQueue[str] = SimpleQueue()

    async def tell() -> None:
        ran.put(threading.current_thread().name)

    with in_background() as start:
        start(tell())
        return ran.get(timeout=10)


def test_one_thread_runs_everything_and_a_forked_process_has_its_own() -> None:
    names = {thread_of_a_task() for _ in range(20)}
    assert [thread.name for thread in threading.enumerate() if thread.name in names] == list(names)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert {pool.apply(thread_of_a_task)} == names
