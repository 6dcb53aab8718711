"""How a metric grows with the size of a machine, and what that says of a size that was not measured.

Model: log(value) = a + b log(size) + error, errors independent, normal, of one variance; so value grows as size^b. Least squares;
the interval for one further value at x0 is

    y0 +- t(1 - alpha/2, n - 2) * s * sqrt(1 + 1/n + (x0 - mean x)^2 / Sxx),   s^2 = SSE / (n - 2)

(Montgomery, Peck and Vining, "Introduction to Linear Regression Analysis", 5th edition, 2.5; also Draper and Smith, "Applied
Regression Analysis", 3rd edition, 3.1). Each left-out error follows from the one fit: e(i) / (1 - h(i)), with h the leverage
(Montgomery et al., 4.3.1), which is what fitting without the i-th point and predicting it gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

LEVEL = 0.95
"""Probability that an interval is made to hold the value with."""

MIN_SIZES = 4
"""Different sizes. Three points leave one degree of freedom, and an interval 12.7 deviations wide, which says nothing."""

REACH = 2.0
"""How far beyond the smallest and the largest measured size an estimate goes, as a factor."""

MAX_LEFT_OUT_PERCENT = 50.0
"""Of the mean left-out error. A family that misses its own sizes by more does not follow the model.

Not lower: a limit near the noise picks the families that look better than they are. With 20 % here and 20 % noise, intervals made
for 95 % hold 88 to 93 % of what is measured then; with 50 %, 94 to 95 % (`benchmarks/prediction.py`).
"""


class NotEstimable(ValueError):
    """There is too little to go by, or it does not follow the model; the message says which."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value that was not measured, with its prediction interval at LEVEL."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A power law through measured sizes. `left_out_percent`: |predicted without it / measured - 1| x 100, in the order given."""

    exponent: float
    intercept: float
    residual_sd: float
    points: int
    mean_log_size: float
    spread: float
    smallest: float
    largest: float
    left_out_percent: tuple[float, ...]

    @property
    def mean_left_out_percent(self) -> float:
        """Mean of the left-out errors."""
        return sum(self.left_out_percent) / len(self.left_out_percent)

    def at(self, size: float) -> Estimate:
        """What the law says of a size. Raises NotEstimable where the size is out of reach."""
        if not self.smallest / REACH <= size <= self.largest * REACH:
            raise NotEstimable(
                f"more than {REACH:g} times beyond the measured sizes, which are {self.smallest:g} to {self.largest:g} vCPUs"
            )
        x = math.log(size)
        middle = self.intercept + self.exponent * x
        width = 1 + 1 / self.points + (x - self.mean_log_size) ** 2 / self.spread
        half = float(student.ppf((1 + LEVEL) / 2, self.points - 2)) * self.residual_sd * math.sqrt(width)
        return Estimate(math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def fit_scaling(sizes: Sequence[float], values: Sequence[float]) -> Fit:
    """The power law through measured values by size (same order, several values of one size allowed).

    Raises NotEstimable with fewer than MIN_SIZES different sizes, a value that is not positive, or a mean left-out error above
    MAX_LEFT_OUT_PERCENT.
    """
    different = len(set(sizes))
    if different < MIN_SIZES:
        raise NotEstimable(f"{different} measured {'size' if different == 1 else 'sizes'}; at least {MIN_SIZES} are needed")
    if min(values) <= 0:
        raise NotEstimable("a measured value is not positive; the model is of logarithms")
    x, y = np.log(np.asarray(sizes, dtype=float)), np.log(np.asarray(values, dtype=float))
    n, mean = len(x), float(x.mean())
    spread = float(((x - mean) ** 2).sum())
    slope = float(((x - mean) * (y - y.mean())).sum()) / spread
    intercept = float(y.mean()) - slope * mean
    residuals = y - (intercept + slope * x)
    leverage = 1 / n + (x - mean) ** 2 / spread
    missed = residuals / (1 - leverage)  # log(measured) - log(predicted without it)
    fit = Fit(
        exponent=slope,
        intercept=intercept,
        residual_sd=math.sqrt(float((residuals**2).sum()) / (n - 2)),
        points=n,
        mean_log_size=mean,
        spread=spread,
        smallest=min(sizes),
        largest=max(sizes),
        left_out_percent=tuple(float(error) for error in 100 * np.abs(np.expm1(-missed))),
    )
    if fit.mean_left_out_percent > MAX_LEFT_OUT_PERCENT:
        raise NotEstimable(
            f"sizes left out one by one are missed by {fit.mean_left_out_percent:.0f} % on average; at most "
            f"{MAX_LEFT_OUT_PERCENT:g} % are allowed: the family does not follow one power of its size"
        )
    return fit
