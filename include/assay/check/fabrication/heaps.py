"""Heaps of shapes: results from machines that differ, whose metrics stand in one ratio, more of them than chance brings together.

The space of ratios is cut into cells, so that the cost grows with the number of results and not with its square. A second look at
what surrounds a heap tells made shapes, which agree to their rounding, from honest ones that are merely similar.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from assay.check.fabrication.chance import ALPHA, OTHER_MACHINES, SAME_PROCESSOR, chance_of_at_least
from assay.check.fabrication.numbers import combined
from assay.check.fabrication.shapes import Shapes
from assay.summarize.sorted_rows import by_number, run_starts

TOLERANCES = tuple(10.0 ** (step / 2) for step in range(-12, -3))
"""From six digits to two. A result is searched at those that its own rounding fits into and comes near to."""

NEAR = 4.0
ALONE = 0.3
"""Of honest shapes within NEAR tolerances of a heap, less than this share lies within one tolerance; of made ones, all do."""

UNLIKELY = 0.01


def find_heaps(shapes: Shapes, candidates: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The entries of each heap among the candidates, finest first; an entry is in one heap at most."""
    taken = ~candidates
    heaps = []
    for tolerance in TOLERANCES:
        # Results that are printed much finer have been searched before; their scatter here is no rounding.
        searched = candidates & (shapes.rounding > (tolerance / 10 if tolerance > TOLERANCES[0] else 0.0))
        for cell in _crowded_cells(shapes, np.flatnonzero(searched), tolerance):
            members = cell[~taken[cell]]
            if len(members) < 2:
                continue
            heap = _heap(shapes, members, searched, tolerance)
            heap = heap[~taken[heap]]
            if len(heap) > 1:
                taken[heap] = True
                heaps.append(heap)
    return heaps


def _crowded_cells(shapes: Shapes, entries: NDArray[np.int64], tolerance: float) -> Iterator[NDArray[np.int64]]:
    """Cells with shapes from more processors than chance explains. Cells lie on shifted grids: a heap is whole in one of them."""
    fine = shapes.rounding[entries] <= tolerance
    if not fine.any() or len(np.unique(shapes.hardware[entries])) < 2:
        return
    side = 4 * tolerance
    hardware = shapes.hardware[entries]
    own = np.bincount(hardware, minlength=int(hardware.max()) + 1)
    own_fine = np.bincount(hardware[fine], minlength=len(own))
    # Of a pair at least one must be printed as fine as the tolerance: the other may be the exact number it was made from.
    trials = np.where(fine, len(entries) - own[hardware], fine.sum() - own_fine[hardware])
    dimensions = shapes.ratios.shape[1]
    chance = min(1.0, side / (np.sqrt(2 * np.pi) * OTHER_MACHINES.shape)) ** dimensions
    scaled = shapes.ratios[entries] / side
    for shift in product((0.0, 0.5), repeat=dimensions):
        cell = combined(*np.floor(scaled + np.array(shift)).astype(np.int64).T)
        hits = _other_hardware(cell, hardware, fine)
        crowded = np.zeros(int(cell.max()) + 1, dtype=bool)
        crowded[cell[chance_of_at_least(hits, trials, np.full(len(hits), chance)) < ALPHA / len(TOLERANCES)]] = True
        inside = np.flatnonzero(crowded[cell])
        inside = inside[by_number(cell[inside])]
        for start, end in _runs(cell[inside]):
            yield entries[inside[start:end]]


def _other_hardware(cell: NDArray[np.int64], hardware: NDArray[np.int64], fine: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each entry the other processors in its cell; for one that is not fine itself, only those that have a fine one."""
    width = int(hardware.max()) + 1
    pairs, pair = np.unique(cell * width + hardware, return_inverse=True)
    owner = pairs // width
    has_fine = np.zeros(len(pairs), dtype=bool)
    has_fine[pair[fine]] = True
    every, every_fine = np.bincount(owner), np.bincount(owner, weights=has_fine).astype(np.int64)
    return np.asarray(np.where(fine, every[cell] - 1, every_fine[cell] - has_fine[pair]))


def _heap(shapes: Shapes, members: NDArray[np.int64], searched: NDArray[np.bool_], tolerance: float) -> NDArray[np.int64]:
    """The entries that share the cell's shape, if it is a heap; none if the cell is the middle of an honest cloud."""
    center = np.median(shapes.ratios[members], axis=0)
    around = shapes.near(center, NEAR * tolerance)
    around = around[searched[around]]
    allowed = np.minimum(1.5 * shapes.rounding[around], tolerance)  # its own rounding, and what is left of it in the center
    inside: NDArray[np.int64] = around[(np.abs(shapes.ratios[around] - center) <= allowed[:, None]).all(axis=1)]
    processors = len(np.unique(shapes.hardware[inside]))
    if processors < 2:
        return inside[:0]
    scatter = min(1.0, 4 * tolerance / (np.sqrt(2 * np.pi) * SAME_PROCESSOR.shape)) ** shapes.ratios.shape[1]
    trials, count = np.array([searched.sum()]), np.array([processors - 1])
    if chance_of_at_least(count, trials, np.array([scatter]))[0] < UNLIKELY:
        return inside  # far closer together than even one processor repeats itself
    all_processors = len(np.unique(shapes.hardware[around]))
    lonely = max(bdtrc(len(inside) - 1, len(around), ALONE), bdtrc(processors - 1, all_processors, ALONE))
    return inside if lonely < UNLIKELY else inside[:0]


def _runs(numbers: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    edges = [int(start) for start in run_starts(numbers)] + [len(numbers)]
    yield from pairwise(edges)
