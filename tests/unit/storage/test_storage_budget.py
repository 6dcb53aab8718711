"""Readers that run ahead hold a bounded number of bytes."""

from __future__ import annotations

import asyncio
import threading

from assay.storage.parallel import ByteBudget, background_loop


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

    with background_loop("assay-test") as loop:
        asyncio.run_coroutine_threadsafe(forever(), loop)
        assert begun.wait(10)
    assert cancelled.is_set()
    assert "assay-test" not in [thread.name for thread in threading.enumerate()]
