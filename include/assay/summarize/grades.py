"""The quality grade of a statistic. Its definition stands here once; documents and docs are generated from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grade:
    """What a statistic needs at least to earn the grade."""

    name: str
    sessions: int
    n: int
    cv_percent: float

    def __str__(self) -> str:
        """The definition in a sentence."""
        spread = f"coefficient of variation at most {self.cv_percent:g} %"
        return f"at least {self.n} executions in at least {self.sessions} sessions, {spread}"


GRADES = (Grade("A", sessions=3, n=6, cv_percent=2.0), Grade("B", sessions=2, n=4, cv_percent=5.0), Grade("C", 2, 3, 15.0))
"""From the best. A type seen in one session only has the lowest grade: many executions on one machine measure that machine."""

LOWEST = "D"


def definitions() -> Mapping[str, str]:
    """Every grade and what it means, as published beside the numbers."""
    lowest = "anything less: one session only, fewer executions, or a larger spread"
    return {grade.name: str(grade) for grade in GRADES} | {LOWEST: lowest}


def grade(n: NDArray[np.int64], sessions: NDArray[np.int64], cv: NDArray[np.float64]) -> NDArray[np.str_]:
    """The grade of each statistic. `cv` in percent; NaN (fewer than two executions) earns the lowest."""
    earned = [(n >= each.n) & (sessions >= each.sessions) & (cv <= each.cv_percent) for each in GRADES]
    return np.select(earned, [each.name for each in GRADES], default=LOWEST)
