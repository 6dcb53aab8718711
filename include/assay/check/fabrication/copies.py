"""The same values twice: on machines that differ, or again and again on one machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.check.fabrication.chance import (
    ALPHA,
    OTHER_MACHINES,
    SAME_MACHINE,
    SAME_PROCESSOR,
    chance_alike,
    chance_of_at_least,
)
from assay.check.fabrication.numbers import combined, counts, distinct
from assay.check.fabrication.results import Kind
from assay.summarize.sorted_rows import Numbers, run_starts


@dataclass(frozen=True)
class Copies:
    """For each result of a kind: which vector it is (equal numbers: equal in every printed digit), and what that proves.

    `across`: the vector stands on machines that differ, and that is no chance. `within`: it repeats on its own machine, likewise.
    """

    vector: NDArray[np.int64]
    across: NDArray[np.bool_]
    within: NDArray[np.bool_]


def find_copies(kind: Kind) -> Copies:
    """Judge every result of a kind. Bytes that are the same file count once: a file stored twice is no second measurement."""
    vector = _vector_numbers(kind)
    first = np.unique(vector, return_index=True)[1]
    across = _across(kind, vector, kind.resolution[first])
    within = _within(kind, vector, kind.resolution[first])
    return Copies(vector, across, within)


def _across(kind: Kind, vector: Numbers, resolution: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Other processors: every distinct vector of another processor is a trial, every other processor with this vector a hit.
    place = distinct(vector, kind.hardware)
    vectors, hardware = vector[place], kind.hardware[place]
    hits = np.bincount(vectors)[vectors] - 1
    trials = len(place) - np.bincount(hardware)[hardware]
    far = chance_of_at_least(hits, trials, chance_alike(resolution, OTHER_MACHINES)[vectors])
    proven = np.zeros(len(resolution), dtype=bool)
    proven[vectors[far < ALPHA]] = True
    # Neighbours with the same processor: every vector of another subject is a trial, every other subject with this one a hit.
    place = distinct(vector, kind.hardware, kind.subject)
    vectors, hardware, subject = vector[place], kind.hardware[place], kind.subject[place]
    hits = counts(vectors, hardware) - 1
    trials = counts(hardware) - counts(hardware, subject)
    near = chance_of_at_least(hits, trials, chance_alike(resolution, SAME_PROCESSOR)[vectors])
    proven[vectors[near < ALPHA]] = True
    return proven[vector]


def _within(kind: Kind, vector: Numbers, resolution: NDArray[np.float64]) -> NDArray[np.bool_]:
    # The same bytes in two sessions are one file that was stored twice; `integrity.repeated-file` says so.
    order = np.lexsort((kind.session, kind.content, kind.subject, vector))
    group = [column[order] for column in (vector, kind.subject, kind.content)]
    starts = run_starts(*group)
    earliest = np.repeat(kind.session[order][starts], np.diff(np.append(starts, len(order))))
    counted = order[(kind.session[order] == earliest) | (kind.content[order] < 0)]
    vectors, subject = vector[counted], kind.subject[counted]
    hits, trials = counts(vectors, subject) - 1, counts(subject) - 1
    chance = chance_of_at_least(hits, trials, chance_alike(resolution, SAME_MACHINE)[vectors])
    both = combined(vector, kind.subject)
    return np.isin(both, both[counted[chance < ALPHA]])


def _vector_numbers(kind: Kind) -> NDArray[np.int64]:
    """A number for each distinct vector, in order of its digits, so that it does not depend on the order of the rows."""
    return combined(*kind.shown.exponent.T, *kind.shown.whole.T)
