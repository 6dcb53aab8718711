"""How likely honest results agree by chance. Derivations and sources: docs/statistics.md, section "Made-up results".

Two independent normal values of relative spread s are printed alike, at a last place of relative size h, with probability h /
(2 sqrt(pi) s) as long as h is small: that is h times the integral of the squared density. The spreads below are lower bounds
of what machines show, so a chance computed with them is an upper bound: it errs towards taking a result for honest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtrc

from assay.summarize.sorted_rows import Numbers

ALPHA = 1e-4
"""A result counts as made up if an honest one would show as many coincidences in a batch of this size with less than this
probability: a tenth of the false alarms that are allowed."""

FINEST = 1e-6
"""No single number counts for more than six digits: whatever is printed, clocks and counters are not finer."""

MOST_METRICS = 6
"""No result counts for more than this many numbers: those of one machine rise and fall together."""


@dataclass(frozen=True)
class Spread:
    """How much results differ at least, relative: in level (all metrics together) and in shape (metrics against each other).

    `few`: where a result has one or two numbers only. Those may come from a loop that does nothing but count clock ticks, and
    such a loop repeats far better than anything that touches memory.
    """

    level: float
    shape: float
    few: float


OTHER_MACHINES = Spread(level=0.30, shape=0.02, few=0.001)
"""Machines with different processors: levels differ by tens of percent, and each processor has its own ratio of copy to
triad. But two processors may have the same core at nearly the same clock."""

SAME_PROCESSOR = Spread(level=0.005, shape=0.002, few=0.0001)
"""Machines with the same processor: neighbours, clocks and memory placement differ by half a percent on the quietest clouds."""

SAME_MACHINE = Spread(level=0.002, shape=0.001, few=0.0001)
"""One machine again and again: bare metal with fixed clocks repeats memory bandwidth to a few parts in a thousand."""

FEW_METRICS = 2


def chance_alike(resolution: NDArray[np.float64], spread: Spread) -> NDArray[np.float64]:
    """Upper bound of the probability that another honest result equals this one in every printed digit. Rows are results."""
    finest = np.sort(np.maximum(resolution, FINEST), axis=1)[:, :MOST_METRICS]
    spreads = np.full(finest.shape[1], spread.few if resolution.shape[1] <= FEW_METRICS else spread.shape)
    spreads[:1] = spread.few if resolution.shape[1] <= FEW_METRICS else spread.level
    return np.asarray(np.prod(np.minimum(1.0, finest / (2.0 * np.sqrt(np.pi) * spreads)), axis=1))


def chance_of_at_least(count: Numbers, trials: Numbers, chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of `count` or more coincidences in so many trials (Poisson); 1 where there is none."""
    return np.where(count > 0, pdtrc(np.maximum(count, 1) - 1, trials * chance), 1.0)
