"""How steady the machine was. These are warnings: an unsteady machine is a fact, and is published with the number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.check.fabrication.numbers import combined
from assay.check.found import found, records, shown
from assay.check.machines import machines
from assay.check.relatives import far_from_family
from assay.check.rule import Batch, Rule, Severity
from assay.check.shape import rank_correlation, two_levels
from assay.check.work import EXECUTION
from assay.measurement import AGGREGATION_KEY

CV_LIMIT = 5.0
LEAST_CHANGE = 0.05
DRIFT_PASSES = 10
DRIFT_P = 0.001
LEVEL_PASSES = 15
LEVEL_SHARE = 0.2
LEVEL_DISTANCE = 7.0
BURST_LOSS = 0.3
FAR = 10.0

_RUN = (*EXECUTION, "metric", "unit", "problem_size", "file")
_THROUGHPUT = ("GB/s", "MB/s", "bytes/s", "GFLOPS", "operations/s", "bogo-ops/s", "score")


def cv(batch: Batch) -> pd.DataFrame:
    """Sessions in which executions of one key scatter by more than 5 %, or whose summary says so."""
    values = batch.values
    key = ["session", *AGGREGATION_KEY[1:], "unit"]
    groups = values.groupby(key, sort=False, dropna=False)["value"].agg(["size", "mean", "std"]).reset_index()
    groups["cv"] = 100 * groups["std"] / groups["mean"].abs()
    summaries = values[(values["summary_n"].fillna(0) > 1).to_numpy()]
    summaries = summaries.assign(cv=100 * summaries["summary_sd"] / summaries["value"].abs(), size=summaries["summary_n"])
    names = ["session", "metric", "threads", "size", "cv"]
    table = pd.concat([groups.loc[(groups["size"] > 1).to_numpy(), names], summaries[names]], ignore_index=True)
    over = table[(table["cv"] > CV_LIMIT).to_numpy(dtype=bool, na_value=False)].sort_values(
        ["session", "cv", "metric"], ascending=[True, False, True]
    )
    count = over["session"].value_counts()
    worst = over.drop_duplicates("session")
    return found(
        (
            session,
            "",
            f"{metric} ({threads}) {scatter:.1f} %",
            f"at most {CV_LIMIT:g} %",
            f"{metric} ({threads}) scatters by {scatter:.1f} % > {CV_LIMIT:g} % over {size} executions{_more(count[session])}.",
        )
        for session, metric, threads, size, scatter in records(worst, *names)
    )


def drift(batch: Batch) -> pd.DataFrame:
    """Sessions in which a run became steadily faster or slower."""
    runs, group, value = _passes(batch, DRIFT_PASSES)
    if runs.empty:
        return found()
    r, p = rank_correlation(group, value)
    n = np.bincount(group)
    starts = np.cumsum(n) - n
    third = np.maximum(n // 3, 1)
    early, late = (_mean(value, starts, third), _mean(value, starts + n - third, third))
    change = late / early - 1
    drifting = runs.assign(r=r, change=change, size=np.abs(change))[(p < DRIFT_P) & (np.abs(change) > LEAST_CHANGE)]
    worst, count = _worst(drifting)
    return found(
        (
            session,
            str(file),
            f"{metric} ({threads}) {100 * by:+.1f} %",
            f"at most {100 * LEAST_CHANGE:g} % from the first third to the last",
            f"{metric} ({threads}) drifts by {100 * by:+.1f} % from the first third of the run to the "
            f"last{_more(count[session])}.",
        )
        for session, file, metric, threads, by in records(worst, "session", "file", "metric", "threads", "change")
    )


def bimodal(batch: Batch) -> pd.DataFrame:
    """Sessions in which the passes of a run stand on two levels."""
    runs, group, value = _passes(batch, LEVEL_PASSES)
    if runs.empty:
        return found()
    low, high, distance = two_levels(group, value, LEVEL_SHARE)
    mean = np.bincount(group, weights=value) / np.bincount(group)
    size = (high - low) / np.abs(mean)
    split = runs.assign(low=mean + low, high=mean + high, size=size)[(distance > LEVEL_DISTANCE) & (size > LEAST_CHANGE)]
    worst, count = _worst(split)
    return found(
        (
            session,
            str(file),
            f"{metric} ({threads}) at {shown(below)} and {shown(above)} {unit}",
            "one level",
            f"The passes of {metric} ({threads}) stand on two levels, {shown(below)} and {shown(above)} "
            f"{unit}{_more(count[session])}.",
        )
        for session, file, metric, threads, below, above, unit in records(
            worst, "session", "file", "metric", "threads", "low", "high", "unit"
        )
    )


def burstable(batch: Batch) -> pd.DataFrame:
    """Sessions of a burstable type that are much slower than its best, or became so during a run."""
    about = batch.once(machines)
    burst = about.loc[about["burstable"].eq(True).fillna(False).to_numpy(dtype=bool), "session"]
    values = batch.values
    rows = values[(values["session"].isin(burst) & values["unit"].isin(_THROUGHPUT) & (values["value"] > 0)).to_numpy()]
    best = rows.groupby([*AGGREGATION_KEY, "unit"], sort=False, dropna=False)["value"].transform("max")
    loss = (1 - rows["value"] / best).astype("float64")
    slow = rows.assign(loss=loss, best=best)[(loss > BURST_LOSS).to_numpy()]
    slow = slow.sort_values(["session", "loss", "metric"], ascending=[True, False, True])
    count = slow["session"].value_counts()
    return found(
        (
            session,
            str(file),
            f"{metric} {shown(value)} {unit}",
            f"within {100 * BURST_LOSS:g} % of {shown(most)} {unit}",
            f"{subject} is burstable, and {metric} is {100 * lost:.0f} % below its best: its credits may have run "
            f"out{_more(count[session])}.",
        )
        for session, file, subject, metric, value, unit, most, lost in records(
            slow.drop_duplicates("session"), "session", "file", "subject", "metric", "value", "unit", "best", "loss"
        )
    )


def far_from_relatives(batch: Batch) -> pd.DataFrame:
    """Numbers ten times above or below their family's median, scaled by processors or not."""
    far = far_from_family(batch, batch.values, FAR)
    return found(
        (
            session,
            str(file),
            f"{metric} {shown(value)} {unit}",
            f"about {shown(median)} {unit}",
            f"{metric} is {shown(value)} {unit}, the median of family {family} is {shown(median)}.",
        )
        for session, file, metric, value, unit, median, family in records(
            far, "session", "file", "metric", "value", "unit", "median", "instance_family"
        )
    )


def _passes(batch: Batch, least: int) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.float64]]:
    """Runs with enough passes, the first left out as warm-up: what each run is, and for every pass its run and its value."""
    passes = batch.passes
    passes = passes[((passes["iteration"] > 0) & (passes["value"] > 0)).to_numpy()]
    run = np.asarray(passes.groupby(list(_RUN), sort=False, dropna=False).ngroup(), dtype=np.int64)
    enough = np.bincount(run, minlength=1)[run] >= least
    passes, runs_of = passes[enough], combined(run[enough])
    order = np.lexsort((passes["iteration"].to_numpy(dtype=np.int64), runs_of))
    passes, group = passes.iloc[order], runs_of[order]
    runs = passes[~pd.Series(group).duplicated().to_numpy()].reset_index(drop=True)
    return runs, group, passes["value"].to_numpy(dtype=np.float64)


def _mean(value: NDArray[np.float64], starts: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(value)])
    return np.asarray((total[starts + n] - total[starts]) / n)


def _worst(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series[int]]:
    ordered = runs.sort_values(["session", "size", "metric", "file"], ascending=[True, False, True, True])
    return ordered.drop_duplicates("session"), ordered["session"].value_counts()


def _more(count: int) -> str:
    return f", and {count - 1} more" if count > 1 else ""


RULES = (
    Rule(
        "stability.cv",
        Severity.WARNING,
        "Executions of one key within a session scatter by at most 5 %.",
        "A coefficient of variation over some percent says that something else ran, or that the clock moved; the "
        "interval shows how much "
        "of it is left in the median (Hoefler and Belli, SC'15).",
        cv,
    ),
    Rule(
        "stability.drift",
        Severity.WARNING,
        "A run does not become steadily faster or slower.",
        "Passes are samples of one quantity only if they do not depend on time: Spearman's rank correlation with p "
        "under 0.001, and 5 % "
        "from the first third to the last.",
        drift,
    ),
    Rule(
        "stability.bimodal",
        Severity.WARNING,
        "The passes of a run stand on one level.",
        "Two levels are two states of the machine (clocks, page placement, a neighbour), and their median is neither: "
        "the best split of 15 "
        "passes or more has Ashman's D over 7, where one bell gives 3.",
        bimodal,
    ),
    Rule(
        "stability.burstable",
        Severity.WARNING,
        "A burstable type is measured with credits left.",
        "Types T run at a baseline once their CPU credits are spent (EC2 User Guide, burstable performance instances): "
        "such a number is one "
        "of the credits, not of the type.",
        burstable,
    ),
    Rule(
        "stability.far-from-family",
        Severity.WARNING,
        "A number is within a factor of ten of its family's median.",
        "Types of a family share processor and memory; ten times off, with and without scaling by processors, deserves a look.",
        far_from_relatives,
    ),
)
