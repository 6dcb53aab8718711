"""How often the published intervals cover the truth.

Draws samples whose median is known, computes the statistics as the pipeline does, and counts how often the interval beside
the median covers it. Asked: at least as often as the confidence level beside it says, less one point of simulation error.

    normal                 the clean case
    log-normal             skewed, as times are
    contaminated           normal; a tenth of the draws is ten times as far from the median (Tukey, 1960)
    slow runs, 5 %         normal, 3 % spread; one run in twenty is 30 % slower
    slow runs, 10 %        the same, one in ten

The truth is the median of the clean distribution. Disturbances on one side only, as slow runs are, shift the median of what
can be observed: no interval of the median repairs that, and with many runs a narrow interval stands clearly beside the clean
median. The last two rows show how much; they are shown, not asked for.

    python benchmarks/coverage.py             10,000 draws of each, 20 seconds
    python benchmarks/coverage.py --quick     2,000
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import synthetic
from assay.measurement import MEASUREMENT_COLUMNS
from assay.summarize.statistics import summarize

SIZES = (3, 5, 6, 10, 30)
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def _contaminated(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return 100.0 + rng.normal(0, 3, shape) * np.where(rng.random(shape) < 0.1, 10.0, 1.0)


def _slow(share: float) -> Draw:
    return lambda rng, shape: rng.normal(100, 3, shape) * np.where(rng.random(shape) < share, 0.7, 1.0)


CASES: dict[str, tuple[Draw, float, bool]] = {
    "normal": (lambda rng, shape: rng.normal(100, 3, shape), 100.0, True),
    "log-normal": (lambda rng, shape: np.exp(rng.normal(3, 0.3, shape)), float(np.exp(3)), True),
    "contaminated": (_contaminated, 100.0, True),
    "slow runs, 5 %": (_slow(0.05), 100.0, False),
    "slow runs, 10 %": (_slow(0.10), 100.0, False),
}
"""How it is drawn, its true median, and whether the target applies."""


def coverage(draw: Draw, truth: float, n: int, draws: int, seed: int) -> tuple[float, float]:
    """Share of the intervals that cover the truth, and the confidence level that is published beside them."""
    values = draw(np.random.default_rng(seed), (draws, n))
    given = {
        "session": np.tile([f"s{number:02}" for number in range(n)], draws),
        "subject": np.repeat([f"t{number:06}" for number in range(draws)], n),
        "value": values.ravel(),
        "unit": "GB/s",
        "execution": 1,
    }
    statistics = summarize(synthetic.table(MEASUREMENT_COLUMNS, draws * n, given))
    covered = (statistics["ci_low"] <= truth) & (truth <= statistics["ci_high"])
    return float(covered.mean()), float(statistics["confidence_level"].iloc[0])


def main() -> None:
    """Run the simulation and print a table in percent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20250101)
    parser.add_argument("--quick", action="store_true", help="2,000 draws")
    options = parser.parse_args()
    draws = 2_000 if options.quick else options.draws
    levels = [coverage(CASES["normal"][0], 100.0, n, 10, 1)[1] for n in SIZES]
    print("covered, in percent     " + "".join(f"  n = {n:<4}" for n in SIZES))
    print("confidence level        " + "".join(f"{100 * level:8.1f}" for level in levels))
    missed = []
    for name, (draw, truth, asked) in CASES.items():
        seed = options.seed + 1_000 * list(CASES).index(name)
        found = [coverage(draw, truth, n, draws, seed + n)[0] for n in SIZES]
        print(f"{name:24}" + "".join(f"{100 * share:8.1f}" for share in found) + ("" if asked else "   (shown, not asked)"))
        if asked:
            missed += [f"{name}, n = {n}" for n, share, level in zip(SIZES, found, levels, strict=True) if share < level - 0.01]
    print("below its level by more than a point: " + ("; ".join(missed) or "none"))


if __name__ == "__main__":
    main()
