"""Numbers beside those of the same metric in the same instance family."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.check.machines import machines
from assay.check.rule import Batch

FEWEST_RELATIVES = 4


def far_from_family(batch: Batch, values: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Values further than a factor from their family's median, whether or not they are divided by the processors of the machine;
    one row a session, with `median` and `instance_family`.
    """
    about = batch.once(machines)[["session", "instance_family", "vcpus", "is_host"]]
    table = values.merge(about[(~about["is_host"]).to_numpy()], on="session", how="inner")
    table = table[(table["instance_family"].notna() & (table["value"] > 0)).to_numpy()]
    key = ["instance_family", "benchmark", "metric", "unit", "threads"]
    cores = pd.to_numeric(table["vcpus"], errors="coerce").fillna(1.0).astype("float64").clip(lower=1.0)
    table = table.assign(log=np.log(table["value"].astype("float64")), log_core=np.log(table["value"].astype("float64") / cores))
    groups = table.groupby(key, sort=False)
    table["median"] = groups["value"].transform("median")
    away = (table["log"] - groups["log"].transform("median")).to_numpy()
    away_core = (table["log_core"] - groups["log_core"].transform("median")).to_numpy()
    limit = np.log(factor)
    both = ((away > limit) & (away_core > limit)) | ((away < -limit) & (away_core < -limit))
    enough = groups["value"].transform("size").to_numpy() >= FEWEST_RELATIVES
    far: pd.DataFrame = table[both & enough].drop_duplicates("session")
    return far
