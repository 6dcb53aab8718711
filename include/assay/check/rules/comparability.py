"""What may be compared with what. Different keys are never aggregated; these warnings say where a key is weak, and are
published."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.check.found import found, records, shown
from assay.check.machines import machines
from assay.check.rule import Batch, Rule, Severity
from assay.measurement import AGGREGATION_KEY, UNKNOWN

DISAGREEMENT = 0.15
SMALL_ORDER = 2_000
_KEY_PARTS = AGGREGATION_KEY[3:]


def unknown_key(batch: Batch) -> pd.DataFrame:
    """Sessions of which a part of the aggregation key is not known."""
    rows = batch.measurements
    bits = np.zeros(len(rows), dtype=np.int64)
    for place, part in enumerate(_KEY_PARTS):
        code, names = pd.factorize(rows[part], use_na_sentinel=False)
        unknown = np.array([pd.isna(name) or str(name).startswith(UNKNOWN) for name in names], dtype=bool)
        bits |= unknown[code].astype(np.int64) << place if len(names) else 0
    weak = rows.loc[bits > 0, ["session", "file"]]
    session, names = pd.factorize(weak["session"])
    unknown = np.zeros(len(names), dtype=np.int64)
    np.bitwise_or.at(unknown, session, bits[bits > 0])
    weak = weak.drop_duplicates("session").assign(unknown=unknown)
    parts = {each: [part for place, part in enumerate(_KEY_PARTS) if each >> place & 1] for each in np.unique(unknown).tolist()}
    named = {each: ", ".join(several).replace("_", " ") for each, several in parts.items()}
    return found(
        (
            session,
            str(file),
            f"unknown: {named[each]}",
            "every part of the aggregation key",
            f"Not known: {named[each]}. The numbers are aggregated only with equally unknown ones of the same source.",
        )
        for session, file, each in records(weak, "session", "file", "unknown")
    )


def unpinned_version(batch: Batch) -> pd.DataFrame:
    """Sessions whose version names no build."""
    claims = pd.DataFrame({"session": batch.sessions["session"], "version": batch.claim("claimed_version")})
    claims = claims[claims["version"].notna().to_numpy()]
    unpinned = [not any(char.isdigit() for char in str(version)) for version in claims["version"]]
    moving = claims[np.array(unpinned, dtype=bool)]
    return found(
        (
            session,
            "",
            str(version),
            "a version with a number",
            f"The version is {version!r}, which names no build: the run cannot be repeated.",
        )
        for session, version in records(moving, "session", "version")
    )


def variant(batch: Batch) -> pd.DataFrame:
    """Sessions with a result that does not follow its benchmark's rule for the problem size."""
    rows = batch.values[["session", "file", "benchmark", "size_policy"]]
    rows = rows[rows["size_policy"].str.startswith("variant").fillna(False).to_numpy(dtype=bool)]
    return found(
        (
            session,
            str(file),
            f"{benchmark}: {policy}",
            "the problem size of the benchmark's rules",
            f"The size of {benchmark} is a variant ({policy}): caches may take part in the number. It is ranked with "
            "its like only.",
        )
        for session, file, benchmark, policy in records(
            rows.drop_duplicates(["session", "benchmark"]), "session", "file", "benchmark", "size_policy"
        )
    )


def implementations_disagree(batch: Batch) -> pd.DataFrame:
    """Sessions in which two programs that measure the same thing differ by more than 15 %."""
    values = batch.values
    key = ["session", "benchmark", "metric", "unit", "threads"]
    several = values.groupby(key, sort=False, dropna=False)["implementation"].transform("nunique") > 1
    medians = (
        values[several.to_numpy()].groupby([*key, "implementation"], sort=False, dropna=False)["value"].median().reset_index()
    )
    spread = medians.groupby(key, sort=False, dropna=False)["value"].agg(["min", "max"]).reset_index()
    apart = spread[(spread["max"] > (1 + DISAGREEMENT) * spread["min"]).to_numpy()]
    return found(
        (
            session,
            "",
            f"{benchmark} {metric} ({threads}): {shown(low)} to {shown(high)} {unit}",
            f"within {100 * DISAGREEMENT:.0f} %",
            f"Two programs measure {metric} ({threads}) as {shown(low)} and {shown(high)} {unit}; both are published.",
        )
        for session, benchmark, metric, unit, threads, low, high in records(apart, *key, "min", "max")
    )


def small_problem(batch: Batch) -> pd.DataFrame:
    """LU solves whose matrix is smaller than the machine's caches, or of an order at which starting up takes most of the time."""
    values = batch.values
    rates = values[((values["benchmark"] == "hpl") & (values["metric"] == "gflops") & values["problem_size"].notna()).to_numpy()]
    rates = rates.merge(batch.once(machines)[["session", "llc_total_bytes"]], on="session", how="left")
    order = rates["problem_size"].astype("float64")
    caches = pd.to_numeric(rates["llc_total_bytes"], errors="coerce").fillna(0.0)
    small = rates[((order < SMALL_ORDER) | (8.0 * order**2 < caches)).to_numpy()].drop_duplicates("session")
    return found(
        (
            session,
            str(file),
            f"N = {size}",
            f"N >= {SMALL_ORDER}, and a matrix larger than the caches",
            f"An LU solve of order {size} is small: the rate is below what the machine reaches on a large one.",
        )
        for session, file, size in records(small, "session", "file", "problem_size")
    )


RULES = (
    Rule(
        "comparability.unknown-key",
        Severity.WARNING,
        "Every part of the aggregation key is known.",
        "Numbers of different programs, versions, thread modes, sizes or flags are different quantities; what is "
        "unknown may be any of them.",
        unknown_key,
    ),
    Rule(
        "comparability.unpinned-version",
        Severity.WARNING,
        "The version names a build.",
        "`latest` is another program tomorrow: no number can be tied to what was run.",
        unpinned_version,
    ),
    Rule(
        "comparability.variant",
        Severity.WARNING,
        "A result follows its benchmark's rule for the problem size.",
        "STREAM 5.10 asks for arrays of at least four times the last-level caches; a smaller one measures caches in part.",
        variant,
    ),
    Rule(
        "comparability.implementations-disagree",
        Severity.WARNING,
        "Two programs that measure the same thing agree within 15 %.",
        "Both follow the same rules; a larger difference is a difference in what was built or bound, and is shown.",
        implementations_disagree,
    ),
    Rule(
        "comparability.small-problem",
        Severity.WARNING,
        "An LU solve is large enough to show what the machine can do.",
        "Below an order of some thousands, and within the caches, start-up and panel work weigh on the rate (HPL "
        "tuning notes, netlib.org).",
        small_problem,
        applies_to=("hpl",),
    ),
)
