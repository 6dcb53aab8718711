"""Bounded bandwidth, by a clock of the test's own."""

from __future__ import annotations

from assay.ship.throttle import Throttle
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(1, 1_000_000), min_size=1, max_size=50), st.integers(1_000, 10_000_000))
def test_never_more_than_the_rate_and_a_quarter_second(counts: list[int], rate: int) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    throttle = Throttle(rate, lambda: now[0], sleep)
    for count in counts:
        throttle.pass_bytes(count)
    assert sum(counts) <= rate * (now[0] + 0.25) * 1.000001


def test_a_pause_is_not_made_up_for() -> None:
    now, slept = [0.0], []
    throttle = Throttle(1_000, lambda: now[0], slept.append)
    throttle.pass_bytes(100)
    now[0] = 3_600.0
    throttle.pass_bytes(1_250)
    assert round(slept[-1], 3) == 1.0
