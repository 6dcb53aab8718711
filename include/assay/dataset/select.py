"""Which statistic fills which place of a document.

A place is (benchmark, type, field). Several statistics may compete for it: other implementations, versions, size policies,
builds. The choice is the same for every type and depends on the data alone:

1. one implementation per benchmark, the one with most types, then by name; `metadata.json` names it;
2. within it, configurations in one order: most types with n >= 3 first, then the one measured last, then by name;
3. a type's field takes the first configuration in that order that has n >= 3 there, or else the first that it has.

Everything that fills no place is a variant. One-thread results get the prefix `single_thread_`, where the benchmark also
runs on all threads.
"""

from __future__ import annotations

import hashlib
import re

import pandas as pd

from assay.dataset.redact import redact
from assay.measurement import AGGREGATION_KEY

MIN_SAMPLE = 3
"""Fewer executions than this have no interval, stand under `provisional` and are in no ranking."""

CONFIGURATION = ("implementation", "version", "threads", "size_policy", "build_flags")
"""The ranking key less benchmark and metric."""

FREE_TEXT = ("implementation", "size_policy", "build_flags")
"""Columns that hold free text from raw files."""

SINGLE_THREAD = "single_thread_"
ALWAYS_THREADED = frozenset({"stream", "hpl", "hpl_mkl"})
"""Benchmarks whose plain fields mean all threads, even while only one thread was measured."""

RESERVED_FIELDS = frozenset({"metadata", "sources", "warnings"})


def place(statistics: pd.DataFrame) -> pd.DataFrame:
    """The statistics with their places, in an order that does not depend on the order of the rows given.

    Adds `configuration` (name), `field` (name in a type's entry), `measured` (n >= MIN_SAMPLE), `order` (of the
    configuration among those of its benchmark, from 0) and `main` (fills the place; the others are variants).
    """
    frame = redact_keys(statistics)
    # Redaction may make two keys one: what follows in the list keeps the order apart from that of the rows.
    frame = frame.sort_values([*AGGREGATION_KEY, "unit", "n", "median", "mean"], kind="stable", ignore_index=True)
    frame["configuration"] = _configuration_names(frame)
    frame["measured"] = frame["n"].astype("int64") >= MIN_SAMPLE
    frame["field"] = _fields(frame)
    frame["preferred"] = frame["implementation"] == frame["benchmark"].map(implementations(frame))
    frame["order"] = _configuration_order(frame)
    place_key = ["benchmark", "subject", "field"]
    frame = frame.sort_values(
        [*place_key, "preferred", "measured", "order"], ascending=[True, True, True, False, False, True], kind="stable"
    )
    frame["main"] = frame["preferred"] & ~frame.duplicated(place_key)
    return frame.reset_index(drop=True)


def redact_keys(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its key columns as plain text, redacted where they hold free text from raw files."""
    result = frame.astype(dict.fromkeys((*AGGREGATION_KEY, "unit"), "object"))
    for name in FREE_TEXT:
        result[name] = result[name].map({text: redact(text) for text in result[name].unique()}).astype("object")
    return result


def implementations(statistics: pd.DataFrame) -> dict[str, str]:
    """The implementation that fills each benchmark's container: most types, then by name."""
    types = (
        statistics.groupby(["benchmark", "implementation"], sort=True, observed=True)["subject"]
        .nunique()
        .reset_index(name="types")
    )
    types = types.sort_values(["benchmark", "types", "implementation"], ascending=[True, False, True]).drop_duplicates(
        "benchmark"
    )
    return dict(zip(types["benchmark"], types["implementation"], strict=True))


def configuration_name(implementation: str, version: str, threads: str, size_policy: str, build_flags: str) -> str:
    """A short name for a configuration: readable in front, told apart by a digest of all its parts."""
    digest = hashlib.sha256("\0".join((implementation, version, threads, size_policy, build_flags)).encode()).hexdigest()
    readable = re.sub(r"[^a-z0-9]+", "-", f"{implementation} {threads}".lower()).strip("-")
    return f"{readable}-{digest[:8]}"


def _configuration_names(frame: pd.DataFrame) -> pd.Series[str]:
    distinct = frame[list(CONFIGURATION)].drop_duplicates()
    distinct["configuration"] = [configuration_name(*row) for row in distinct.itertuples(index=False)]
    return frame[list(CONFIGURATION)].merge(distinct, on=list(CONFIGURATION), how="left")["configuration"]


def _fields(frame: pd.DataFrame) -> pd.Series[str]:
    one = frame["threads"] == "one"
    others = (~one).groupby([frame["benchmark"], frame["metric"]], observed=True).transform("any")
    names = frame["metric"].where(~frame["metric"].isin(RESERVED_FIELDS), frame["metric"] + "_value")
    return names.where(~(one & (others | frame["benchmark"].isin(ALWAYS_THREADED))), SINGLE_THREAD + names)


def _configuration_order(frame: pd.DataFrame) -> pd.Series[int]:
    key = ["benchmark", "configuration"]
    newest = frame.assign(newest=frame["session_ids"].map(max)).groupby(key, observed=True)[["preferred", "newest"]].max()
    types = frame[frame["measured"]].groupby(key, observed=True)["subject"].nunique().rename("types")
    table = newest.join(types).fillna({"types": 0}).reset_index()
    table = table.sort_values(
        ["benchmark", "preferred", "types", "newest", "configuration"], ascending=[True, False, False, False, True]
    )
    table["order"] = table.groupby("benchmark", observed=True).cumcount()
    return frame[key].merge(table, on=key, how="left")["order"]
