"""The shape of a result: its metrics against each other. Multiples of one vector have one shape, up to the rounding of the
print."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from assay.check.fabrication.chance import FINEST, MOST_METRICS, OTHER_MACHINES
from assay.check.fabrication.results import Kind

RATIOS = 3
"""Ratios that are searched by; all ratios are compared before a result counts as a multiple."""


@dataclass(frozen=True)
class Shapes:
    """The distinct vectors of a kind whose numbers are all positive, one entry each.

    `row`: a result that has the vector, the first by session, and `rank`: the order of those sessions. `logs`: logarithms of
    its numbers. `slack`: half of the last printed place, relative, so how far each logarithm may be off. `ratios`: logarithms
    of RATIOS ratios, those that are printed finest. `columns`: which metrics those are, the common denominator first.
    `rounding`: how far a ratio may be off. `hardware`: the machine's processor. `tree`: for searching near ratios.
    """

    row: NDArray[np.int64]
    rank: NDArray[np.int64]
    logs: NDArray[np.float64]
    slack: NDArray[np.float64]
    columns: NDArray[np.int64]
    ratios: NDArray[np.float64]
    rounding: NDArray[np.float64]
    hardware: NDArray[np.int64]
    tree: cKDTree

    def near(self, ratios: NDArray[np.float64], distance: float) -> NDArray[np.int64]:
        """The entries whose ratios all lie within a distance of these."""
        return np.array(self.tree.query_ball_point(ratios, distance, p=np.inf, return_sorted=True), dtype=np.int64)


def shapes_of(kind: Kind, vector: NDArray[np.int64]) -> tuple[Shapes | None, NDArray[np.int64]]:
    """The shapes of a kind, and for each result the number of its shape, -1 where it has none (a number that is not positive)."""
    order = np.lexsort((kind.session, vector))
    first = order[np.unique(vector[order], return_index=True)[1]]
    first = first[(kind.values[first] > 0).all(axis=1) & np.isfinite(kind.values[first]).all(axis=1)]
    place = np.full(int(vector.max(initial=-1)) + 1, -1)
    place[vector[first]] = np.arange(len(first))
    if len(first) < 2:
        return None, place[vector]
    logs, slack = np.log(kind.values[first]), kind.resolution[first] / 2
    columns = np.argsort(np.median(slack, axis=0), kind="stable")[: RATIOS + 1]
    base, others = columns[0], columns[1:]
    ratios = logs[:, others] - logs[:, [base]]
    rounding = (slack[:, others] + slack[:, [base]]).max(axis=1)
    shapes = Shapes(first, kind.session[first], logs, slack, columns, ratios, rounding, kind.hardware[first], cKDTree(ratios))
    return shapes, place[vector]


def are_multiples(
    logs: NDArray[np.float64], slack: NDArray[np.float64], of: NDArray[np.float64], of_slack: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether one factor takes the vector `of` to each of the vectors, within what both were rounded by."""
    factor, off = logs - of, slack + of_slack
    return np.asarray((factor - off).max(axis=1) <= (factor + off).min(axis=1) + 1e-12)


def chance_of_shape(slack: NDArray[np.float64], of_slack: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper bound of the probability that an honest result has a given shape, within what both were rounded by."""
    off = np.sort(slack + of_slack, axis=1)
    width = np.maximum(off[:, 1:] + off[:, :1], FINEST)[:, : MOST_METRICS - 1]
    return np.asarray(np.prod(np.minimum(1.0, width / (np.sqrt(np.pi) * OTHER_MACHINES.shape)), axis=1))
