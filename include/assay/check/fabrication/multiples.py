"""One vector as a constant multiple of another: made up by scaling.

What proves a shape to be made up is either a copied vector, or a heap of shapes. A result that has a proven shape is a
multiple of what was made up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.check.fabrication.chance import FEW_METRICS
from assay.check.fabrication.copies import Copies
from assay.check.fabrication.heaps import find_heaps
from assay.check.fabrication.results import Kind
from assay.check.fabrication.shapes import Shapes, are_multiples, chance_of_shape, shapes_of

ODDS = 0.02
LARGEST_CHANCE = 0.2
"""A result that has a made-up shape is taken for made up if an honest one would have that shape with a chance of at most ODDS
times the results of its source that are proven to be made up, for each that is not (Bayes' rule), and never more than
LARGEST_CHANCE."""


@dataclass(frozen=True)
class Multiples:
    """For each result of a kind: the result that it is a multiple of, -1 where it is of none, and the factor."""

    of: NDArray[np.int64]
    factor: NDArray[np.float64]


@dataclass(frozen=True)
class _Proven:
    """A shape that is made up: result and entry that stand for it, logarithms of its numbers and how far they may be off."""

    row: int
    entry: int
    logs: NDArray[np.float64]
    slack: NDArray[np.float64]


def find_multiples(kind: Kind, copies: Copies) -> Multiples:
    """The results of a kind that are multiples of others, beyond chance. Copies (factor 1) are not among them; of a heap, the
    result that stands for it is given as a multiple of itself.
    """
    none = Multiples(np.full(len(kind.values), -1), np.full(len(kind.values), np.nan))
    if len(kind.metrics) <= FEW_METRICS:
        return none
    shapes, place = shapes_of(kind, copies.vector)
    if shapes is None:
        return none
    copied = np.zeros(len(shapes.row), dtype=bool)
    copied[place[(copies.across | copies.within) & (place >= 0)]] = True
    heaps = find_heaps(shapes, ~copied)
    proven = [_Proven(int(shapes.row[e]), int(e), shapes.logs[e], shapes.slack[e]) for e in np.flatnonzero(copied)]
    proven += [_middle(shapes, heap) for heap in heaps]
    made = copied.copy()
    made[np.concatenate([*heaps, np.zeros(0, dtype=np.int64)])] = True
    of, factor = _associate(shapes, proven, _allowed(kind, (place >= 0) & made[place])[shapes.row])
    of[copied] = -1
    found = (place >= 0) & (of[place] >= 0)
    return Multiples(np.where(found, of[place], -1), np.where(found, factor[place], np.nan))


def _allowed(kind: Kind, proven: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each result the probability that an honest one may have a made-up shape with, by what its source is worth."""
    made = np.bincount(kind.source, weights=proven)[kind.source]
    other = np.bincount(kind.source, weights=~proven)[kind.source]
    return np.asarray(np.minimum(ODDS * made / np.maximum(other, 1.0), LARGEST_CHANCE))


def _middle(shapes: Shapes, heap: NDArray[np.int64]) -> _Proven:
    """The shape of a heap: the median of its members' ratios; as exact as the finest of them."""
    first = int(heap[np.argmin(shapes.rank[heap])])
    level = shapes.logs[heap].mean(axis=1, keepdims=True)
    shape = np.median(shapes.logs[heap] - level, axis=0) + shapes.logs[first].mean()
    return _Proven(int(shapes.row[first]), first, shape, shapes.slack[heap].min(axis=0))


def _associate(
    shapes: Shapes, proven: list[_Proven], allowed: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each entry the first proven shape that it has: the result that stands for it (-1 for none), and the factor."""
    of, factor = np.full(len(shapes.row), -1), np.full(len(shapes.row), np.nan)
    widest = float(shapes.rounding.max())
    base, others = shapes.columns[0], shapes.columns[1:]
    for one in sorted(proven, key=lambda each: (float(each.slack.max()), each.logs.tolist())):
        if of[one.entry] >= 0:
            continue  # a multiple of one that stands already: what is like it is found
        ratios = one.logs[others] - one.logs[base]
        near = shapes.near(ratios, widest + 2 * float(one.slack.max()))
        near = near[of[near] < 0]
        near = near[are_multiples(shapes.logs[near], shapes.slack[near], one.logs, one.slack)]
        near = near[chance_of_shape(shapes.slack[near], one.slack[None, :]) <= allowed[near]]
        of[near] = one.row
        factor[near] = np.exp(np.median(shapes.logs[near] - one.logs, axis=1))
    return of, factor
