"""The law of size: what it recovers, where it refuses, and that its interval and its left-out errors are what they say."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from assay.summarize.scaling import LEVEL, MAX_LEFT_OUT_PERCENT, MIN_SIZES, REACH, NotEstimable, fit_scaling
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

SIZES = [2, 4, 8, 16, 32]


def noisy(exponent: float, sd: float, seed: int, sizes: list[int] = SIZES) -> list[float]:
    rng = np.random.default_rng(seed)
    return [10 * size**exponent * math.exp(rng.normal(0, sd)) for size in sizes]


@given(st.floats(-1, 2), st.floats(-8, 8))
def test_a_law_without_noise_is_recovered_and_every_size_within_reach_is_on_it(exponent: float, level: float) -> None:
    fit = fit_scaling(SIZES, [math.exp(level) * size**exponent for size in SIZES])
    assert fit.exponent == pytest.approx(exponent, abs=1e-9)
    assert fit.residual_sd == pytest.approx(0, abs=1e-9)
    assert fit.mean_left_out_percent == pytest.approx(0, abs=1e-6)
    for size in (1, 3, 24, 64):
        assert fit.at(size).value == pytest.approx(math.exp(level) * size**exponent, rel=1e-9)


@given(st.lists(st.tuples(st.integers(1, 200), st.floats(0.5, 2)), min_size=MIN_SIZES, max_size=12))
def test_any_fit_has_an_interval_around_its_estimate_and_refuses_beyond_its_reach(points: list[tuple[int, float]]) -> None:
    sizes = [size for size, _ in points]
    try:
        fit = fit_scaling(sizes, [10 * size * factor for size, factor in points])
    except NotEstimable:
        return
    for size in sizes:
        estimate = fit.at(size)
        assert 0 < estimate.low <= estimate.value <= estimate.high
    assert len(fit.left_out_percent) == len(points)
    for beyond in (min(sizes) / (REACH * 1.01), max(sizes) * REACH * 1.01):
        with pytest.raises(NotEstimable, match="beyond the measured sizes"):
            fit.at(beyond)


def test_the_interval_is_that_of_the_textbook() -> None:
    values = noisy(0.9, 0.05, 3)
    fit = fit_scaling(SIZES, values)
    x, y = np.log(SIZES), np.log(values)
    line = stats.linregress(x, y)
    s = math.sqrt(((y - line.intercept - line.slope * x) ** 2).sum() / 3)
    half = (
        stats.t.ppf(0.5 + LEVEL / 2, 3) * s * math.sqrt(1 + 1 / 5 + (math.log(24) - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    )
    middle = line.intercept + line.slope * math.log(24)
    estimate = fit.at(24)
    assert estimate.value == pytest.approx(math.exp(middle))
    assert (estimate.low, estimate.high) == (pytest.approx(math.exp(middle - half)), pytest.approx(math.exp(middle + half)))


@given(st.integers(0, 10_000))
def test_a_left_out_error_is_what_fitting_without_that_size_misses_it_by(seed: int) -> None:
    values = noisy(1.0, 0.05, seed)
    fit = fit_scaling(SIZES, values)
    for left_out in range(len(SIZES)):
        kept = [number for number in range(len(SIZES)) if number != left_out]
        line = stats.linregress(np.log([SIZES[n] for n in kept]), np.log([values[n] for n in kept]))
        predicted = math.exp(line.intercept + line.slope * math.log(SIZES[left_out]))
        assert fit.left_out_percent[left_out] == pytest.approx(100 * abs(predicted / values[left_out] - 1), rel=1e-6, abs=1e-9)


def test_the_interval_grows_away_from_what_was_measured() -> None:
    fit = fit_scaling(SIZES, noisy(1.0, 0.05, 1))
    widths = [math.log(fit.at(size).high / fit.at(size).low) for size in (8, 16, 32, 64)]
    assert widths == sorted(widths)


@pytest.mark.parametrize(
    ("sizes", "values", "says"),
    [
        ([2], [1.0], "1 measured size; at least 4 are needed"),
        ([2, 4, 8, 8, 8], [1.0, 2.0, 4.0, 4.0, 4.0], "3 measured sizes; at least 4 are needed"),
        ([2, 4, 8, 16], [1.0, 0.0, 4.0, 8.0], "not positive"),
        ([2, 4, 8, 16, 32], [1.0, 9.0, 2.0, 30.0, 5.0], f"at most {MAX_LEFT_OUT_PERCENT:g} % are allowed"),
    ],
)
def test_too_little_or_too_unlike_the_law_is_refused_with_the_reason(sizes: list[int], values: list[float], says: str) -> None:
    with pytest.raises(NotEstimable, match=re.escape(says)):
        fit_scaling(sizes, values)
