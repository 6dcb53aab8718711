"""The order-statistic interval of the median, and what it promises."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from assay.summarize.intervals import CONFIDENCE, interval_ranks, median_interval
from scipy.stats import binom


@pytest.mark.parametrize(
    ("n", "low", "high", "level"),
    [(3, 1, 3, 0.75), (4, 1, 4, 0.875), (5, 1, 5, 0.9375), (6, 1, 6, 0.96875), (10, 2, 9, 0.978516), (30, 10, 21, 0.957226)],
)
def test_intervals_are_those_that_are_published_for_benchmarks(n: int, low: int, high: int, level: float) -> None:
    found = median_interval(n)
    assert found is not None
    assert (found.low + 1, found.high + 1, round(found.level, 6)) == (low, high, level)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_there_is_no_interval_under_three(n: int) -> None:
    assert median_interval(n) is None


@pytest.mark.parametrize("n", [*range(6, 41), 97])
def test_no_narrower_interval_has_the_confidence(n: int) -> None:
    found = median_interval(n)
    assert found is not None
    below = binom.cdf(np.arange(n + 1), n, 0.5)
    enough = [(k - j, -(below[k] - below[j])) for j, k in combinations(range(n), 2) if below[k] - below[j] >= CONFIDENCE - 1e-12]
    assert found.high - found.low == min(enough)[0]
    assert found.level == pytest.approx(-min(enough)[1])
    assert found.level >= CONFIDENCE


def test_the_level_is_the_probability_of_covering_the_median() -> None:
    for n in (3, 8, 11, 250):
        found = median_interval(n)
        assert found is not None
        # The interval covers the median when more than `low` and at most `high` draws lie below it.
        assert found.level == pytest.approx(binom.cdf(found.high, n, 0.5) - binom.cdf(found.low, n, 0.5))


def test_many_counts_at_once_are_the_single_ones() -> None:
    counts = np.array([1, 30, 3, 3, 6, 2, 1000])
    ranks = interval_ranks(counts)
    for at, n in enumerate(counts):
        found = median_interval(int(n))
        if found is None:
            assert np.isnan(ranks.level[at])
        else:
            assert (ranks.low[at], ranks.high[at], ranks.level[at]) == found


@pytest.mark.parametrize("draw", ["normal", "log-normal", "contaminated"])
@pytest.mark.parametrize("n", [3, 5, 6, 10, 30])
def test_intervals_cover_as_often_as_they_say(draw: str, n: int) -> None:
    """The small form of benchmarks/coverage.py: 4,000 draws, three standard errors of room."""
    rng = np.random.default_rng(n)
    clean = rng.normal(size=(4_000, n))
    values = {
        "normal": clean,
        "log-normal": np.exp(clean),
        "contaminated": np.where(rng.random(clean.shape) < 0.1, 10 * clean, clean),
    }[draw]
    truth = 1.0 if draw == "log-normal" else 0.0
    found = median_interval(n)
    assert found is not None
    values = np.sort(values, axis=1)
    covered = ((values[:, found.low] <= truth) & (truth <= values[:, found.high])).mean()
    assert covered >= found.level - 3 * np.sqrt(found.level * (1 - found.level) / 4_000)
