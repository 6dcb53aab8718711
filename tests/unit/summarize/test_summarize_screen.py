"""The screen of series in front of the search for changes of level: it may keep too many, never too few."""

from __future__ import annotations

import numpy as np
import pytest
from assay.summarize import change_points as module
from assay.summarize.change_points import FIRST_PASS_P, MIN_CHANGE, SHORTEST_SERIES, WINDOW, level_changes
from assay.summarize.screen import may_change
from hypothesis import given
from hypothesis import strategies as st


def made(length: int, seed: int) -> np.ndarray:
    """Noise, steps, drifts, ties and level stretches, forty of each."""
    rng = np.random.default_rng(seed)
    rows = 50 * rng.lognormal(0, 0.02, (200, length))
    rows[40:80, length // 2 :] *= 1.05
    rows[80:120] *= 1 + np.arange(length) / length / 10
    rows[120:160] = np.round(rows[120:160])
    rows[160:180] = 50.0
    rows[160:180, length // 3 :] = 55.0
    rows[180:] -= 50
    return rows


@pytest.mark.parametrize("length", [SHORTEST_SERIES, 25, 51, 76])
def test_no_series_with_a_change_is_sorted_out(length: int) -> None:
    rows = made(length, length)
    kept = may_change(rows, WINDOW, FIRST_PASS_P, MIN_CHANGE)
    found = np.array([bool(module._changes(row)) for row in rows])
    assert found.sum() > 20
    assert not (found & ~kept).any()
    assert not kept[:40].all()


@given(st.lists(st.floats(1, 1e6), min_size=SHORTEST_SERIES, max_size=30))
def test_any_series_has_the_changes_that_the_search_alone_finds(values: list[float]) -> None:
    series = np.array(values)
    assert level_changes([series]) == [module._changes(series)]


def test_series_of_every_length_are_answered_in_their_order() -> None:
    step = np.array([40.0, 40.1, 39.9] * 6 + [50.0, 50.1, 49.9] * 6)
    changes = level_changes([step[:3], step, np.full(12, 7.0), step[:18]])
    assert [len(found) for found in changes] == [0, 1, 0, 0]
    (change,) = changes[1]
    assert (change.position, change.before, change.after) == (18, 40.0, 50.0)
    assert change.change_percent == pytest.approx(25.0)
    assert change.confidence > 0.999
