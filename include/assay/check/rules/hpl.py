"""What makes a number a result of HPL: the work that it counts, a size worth the name, and a solution that was checked."""

from __future__ import annotations

import pandas as pd

from assay.check.found import found, records, shown
from assay.check.rule import Batch, Rule, Severity
from assay.check.work import EXECUTION, hpl_operations

LARGEST_RESIDUAL = 16.0
HPL_DEVIATION = 0.05
CACHE_MATRIX_BYTES = 8 * 2**20
TIMES = ("solve_time", "execution_time")
_CHECKED_BY_READER = ("hpcc", "lapack-dgetrf")


def hpl_work(batch: Batch) -> pd.DataFrame:
    """LU solves whose rate is not their operations over their time."""
    rows = batch.measurements[(batch.measurements["benchmark"] == "hpl").to_numpy()]
    rates = rows[((rows["metric"] == "gflops") & (rows["unit"] == "GFLOPS")).to_numpy()]
    times = rows[(rows["metric"].isin(TIMES) & (rows["unit"] == "seconds") & (rows["value"] > 0)).to_numpy()]
    both = rates.merge(times[[*EXECUTION, "value"]], on=list(EXECUTION), suffixes=("", "_time"))
    both = both[both["problem_size"].notna().to_numpy()]
    both["computed"] = hpl_operations(both["problem_size"].astype("float64")) / both["value_time"] / 1e9
    wrong = both[((both["value"] / both["computed"] - 1).abs() > HPL_DEVIATION).to_numpy()].drop_duplicates("session")
    return found(
        (
            session,
            str(file),
            f"{shown(value)} GFLOPS",
            f"{shown(computed)} GFLOPS",
            f"N = {size} in {shown(seconds)} s is {shown(computed)} GFLOPS by (2/3 N^3 + 2 N^2) / t, not {shown(value)}: "
            "this is no LU solve.",
        )
        for session, file, value, computed, size, seconds in records(
            wrong, "session", "file", "value", "computed", "problem_size", "value_time"
        )
    )


def hpl_size(batch: Batch) -> pd.DataFrame:
    """LU solves of a matrix that fits into a cache, or of unknown order."""
    values = batch.values
    rates = values[((values["benchmark"] == "hpl") & (values["metric"] == "gflops")).to_numpy()]
    small = rates[(8.0 * rates["problem_size"].astype("float64").fillna(0.0) ** 2 < CACHE_MATRIX_BYTES).to_numpy()]
    order = int((CACHE_MATRIX_BYTES / 8) ** 0.5)
    return found(
        (
            session,
            str(file),
            "no N" if pd.isna(size) else f"N = {size}",
            f"N >= {order}",
            f"{'The order N is not stated' if pd.isna(size) else f'A matrix of order {size} fits into a cache'}; "
            f"HPL measures a machine from about N = {order} on, where it does not.",
        )
        for session, file, size in records(small.drop_duplicates("session"), "session", "file", "problem_size")
    )


def hpl_residual(batch: Batch) -> pd.DataFrame:
    """LU solves whose solution is wrong."""
    rows = batch.measurements
    residuals = rows[((rows["benchmark"] == "hpl") & (rows["metric"] == "residual")).to_numpy()]
    wrong = residuals[(residuals["value"] >= LARGEST_RESIDUAL).to_numpy()].drop_duplicates("session")
    return found(
        (
            session,
            str(file),
            shown(value),
            f"under {LARGEST_RESIDUAL:g}",
            f"The scaled residual is {shown(value)}: the solution is wrong.",
        )
        for session, file, value in records(wrong, "session", "file", "value")
    )


def hpl_no_residual(batch: Batch) -> pd.DataFrame:
    """LU solves that nobody checked."""
    rows = batch.measurements[(batch.measurements["benchmark"] == "hpl").to_numpy()]
    checked = rows.loc[((rows["metric"] == "residual") | rows["implementation"].isin(_CHECKED_BY_READER)).to_numpy(), "session"]
    bare = rows[(~rows["session"].isin(checked)).to_numpy()].drop_duplicates("session")
    message = "The result has no residual: nobody knows whether the system was solved."
    return found(
        (session, str(file), "no residual", "a scaled residual", message) for session, file in records(bare, "session", "file")
    )


RULES = (
    Rule(
        "physics.hpl-work",
        Severity.QUARANTINE,
        "The rate of an LU solve is its operations over its time.",
        "The HPL rules count (2/3 N^3 + 2 N^2) operations; a rate that is 2 N^3 / t is that of a matrix product (HPL 2.3, "
        "netlib.org/benchmark/hpl).",
        hpl_work,
        applies_to=("hpl",),
    ),
    Rule(
        "physics.hpl-size",
        Severity.QUARANTINE,
        "The order of an LU solve is known, and its matrix does not fit into a cache.",
        "HPL asks for a matrix of most of the memory; one of under 8 MiB measures a cache and the start of the program.",
        hpl_size,
        applies_to=("hpl",),
    ),
    Rule(
        "physics.hpl-residual",
        Severity.QUARANTINE,
        "The scaled residual of an LU solve is under 16.",
        "That is the threshold of HPL's own input file; a larger one means that the solution is wrong.",
        hpl_residual,
        applies_to=("hpl",),
    ),
    Rule(
        "physics.hpl-no-residual",
        Severity.WARNING,
        "An LU solve comes with its residual.",
        "Without it nobody knows that the system was solved; the HPL rules ask for it.",
        hpl_no_residual,
        applies_to=("hpl",),
    ),
)
