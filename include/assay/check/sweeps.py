"""Results over rising working sets, in the order from the first cache to memory."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from assay.check.rule import Batch
from assay.check.work import EXECUTION

LEVELS = ("l1", "l2", "l3", "dram")
_NAMED = re.compile(r"(l1|l2|l3|dram)_(latency|bandwidth)")
_SIZED = re.compile(r"(?P<stem>(?:\w+_)?(?:latency|bandwidth))_\d+(?:kib|mib|mb|gb|b)")


def latency_sweeps(batch: Batch) -> pd.DataFrame:
    """Latencies of each result that has several levels or working sets: see `_sweeps`."""
    return _sweeps(batch, "latency")


def bandwidth_sweeps(batch: Batch) -> pd.DataFrame:
    """Bandwidths of each result that has several levels or working sets: see `_sweeps`."""
    return _sweeps(batch, "bandwidth")


def _sweeps(batch: Batch, quantity: str) -> pd.DataFrame:
    """One row a value, sorted by sweep and working set: session, file, metric, value, unit, `named` (a level, not a size),
    and of the sweep `first` and `first_metric` (the smallest working set), `slowest_before` (the largest of the values
    before), `is_last`, and `noise`: how far repetitions of it or of a smaller working set lie apart, relative.
    """
    values = batch.values
    plan = {metric: _place(str(metric), quantity) for metric in values["metric"].unique()}
    wanted = {metric: place for metric, place in plan.items() if place is not None}
    rows = values[values["metric"].isin(list(wanted)).to_numpy()]
    stem = rows["metric"].map({metric: place[0] for metric, place in wanted.items()})
    level = rows["metric"].map({metric: place[1] for metric, place in wanted.items()}).astype("float64")
    size = rows["problem_size"].astype("float64")
    # Levels of one result may come from runs of their own, each with a size of its own; only working sets share a policy.
    policy = rows["size_policy"]
    rows = rows.assign(stem=stem, named=(level >= 0), order=np.where(level >= 0, level, size), own_policy=policy)
    rows["size_policy"] = policy.where((level < 0).to_numpy(), "")
    rows = rows[rows["order"].notna().to_numpy()]
    key = [*EXECUTION, "unit", "stem"]
    rows = rows.sort_values([*key, "order"], kind="stable")
    sweeps = rows.groupby(key, sort=False, dropna=False)
    rows["first"] = sweeps["value"].transform("first")
    rows["first_metric"] = sweeps["metric"].transform("first")
    rows["slowest_before"] = sweeps["value"].cummax().groupby([rows[name] for name in key], dropna=False).shift(1)
    rows["is_last"] = sweeps.cumcount(ascending=False) == 0
    rows["noise"] = _noise(batch, rows).groupby([rows[name] for name in key], dropna=False).cummax()
    return rows[sweeps["value"].transform("size").to_numpy() > 1]


def _noise(batch: Batch, rows: pd.DataFrame) -> pd.Series[float]:
    """How far repetitions of each value lie apart, relative to their median: passes over its working set, and executions of the
    session. 0 where nothing was repeated.
    """
    again = rows.groupby(["session", "benchmark", "implementation", "threads", "metric", "unit"], sort=False, dropna=False)[
        "value"
    ]
    between = (again.transform("max") - again.transform("min")) / again.transform("median")
    passes = batch.passes[batch.passes["metric"].isin(["latency", "bandwidth"]).to_numpy()]
    spread = passes.groupby([*EXECUTION, "problem_size"], sort=False, dropna=False)["value"].agg(["min", "median", "max"])
    within = ((spread["max"] - spread["min"]) / spread["median"]).rename("within").reset_index()
    runs = rows.assign(size_policy=rows["own_policy"])[[*EXECUTION, "problem_size"]]
    joined = runs.merge(within, on=[*EXECUTION, "problem_size"], how="left")
    apart = np.fmax(np.nan_to_num(between.to_numpy(dtype=np.float64)), np.nan_to_num(joined["within"].to_numpy(dtype=np.float64)))
    return pd.Series(apart, index=rows.index)


def _place(metric: str, quantity: str) -> tuple[str, int] | None:
    """The sweep that a metric belongs to and the number of its level, -1 where the working set orders it."""
    named = _NAMED.fullmatch(metric)
    if named and named[2] == quantity:
        return "level", LEVELS.index(named[1])
    sized = _SIZED.fullmatch(metric)
    return (sized["stem"], -1) if sized and sized["stem"].endswith(quantity) else None
