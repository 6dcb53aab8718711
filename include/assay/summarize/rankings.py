"""Which subject is better: one list for each ranking key, ranks shared where the difference is not beyond noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.measurement import RANKING_KEY

RANKING_COLUMNS = (*RANKING_KEY, "unit", "higher_is_better", "rank", "subject", "median", "ci_low", "ci_high", "n", "quality")

_LOWER_IS_BETTER = frozenset({"nanoseconds", "milliseconds", "seconds", "cycles"})


def higher_is_better(unit: str) -> bool:
    """Whether a larger number in this unit is the better one: not so for times, so for rates, scores and ratios."""
    return unit not in _LOWER_IS_BETTER


def rank(statistics: pd.DataFrame) -> pd.DataFrame:
    """Dense ranks from 1 within each ranking key and unit; columns as RANKING_COLUMNS, best first.

    Subjects are sorted by median. A new rank starts with the first subject whose interval does not overlap the interval of the
    current rank's first member, so a rank holds those that its best member cannot be told from. A statistic without an interval
    (n under 3) is in no ranking.
    """
    ranked = statistics[statistics["ci_low"].notna()].copy()
    ranked["higher_is_better"] = [higher_is_better(unit) for unit in ranked["unit"]]
    sign = np.where(ranked["higher_is_better"], -1.0, 1.0)
    ranked["_order"] = sign * ranked["median"].to_numpy()
    key = [*RANKING_KEY, "unit"]
    ranked = ranked.sort_values([*key, "_order", "subject"], kind="stable", ignore_index=True)
    lists = ranked.groupby(key, sort=False, dropna=False).ngroup().to_numpy()
    low, high = ranked["ci_low"].to_numpy(), ranked["ci_high"].to_numpy()
    ranks = np.zeros(len(ranked), dtype=np.int64)
    first = 0
    for row in range(len(ranked)):
        if row == 0 or lists[row] != lists[first]:
            first, ranks[row] = row, 1
        elif high[row] < low[first] or low[row] > high[first]:
            ranks[row] = ranks[row - 1] + 1
            first = row
        else:
            ranks[row] = ranks[row - 1]
    ranked["rank"] = ranks
    return ranked[list(RANKING_COLUMNS)]
