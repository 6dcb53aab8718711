"""Made-up results. These rules run before any statistics, because made-up data has the best coefficient of variation.

None knows a made-up value: each looks for what only making up does. The arithmetic is in assay.check.fabrication, its
derivation in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from assay.check.fabrication.chance import FINEST, SAME_MACHINE
from assay.check.fabrication.copies import Copies, find_copies
from assay.check.fabrication.digits import printed
from assay.check.fabrication.multiples import Multiples, find_multiples
from assay.check.fabrication.results import Kind, kinds, result_numbers
from assay.check.found import found, records, shown
from assay.check.rule import Batch, Rule, Severity
from assay.check.work import implied_seconds

FEW_DIGITS = 3
MANY_METRICS = 4
LEAST_PASSES = 5
_RATES = ("GB/s", "MB/s", "bytes/s", "GFLOPS")
_SHOWN_METRICS = 4

Judged = list[tuple[Kind, Copies, Multiples]]


def _judged(batch: Batch) -> Judged:
    judged = []
    for kind in kinds(batch):
        copies = find_copies(kind)
        judged.append((kind, copies, find_multiples(kind, copies)))
    return judged


def same_vector(batch: Batch) -> pd.DataFrame:
    """Sessions whose values stand, digit for digit, on machines that differ."""
    return found(row for kind, copies, _ in batch.once(_judged) for row in _copies(kind, copies))


def _copies(kind: Kind, copies: Copies) -> Iterator[tuple[Any, str, str, str, str]]:
    if not copies.across.any():
        return
    rows = kind.rows.assign(vector=copies.vector, at=np.arange(len(kind.rows)))[copies.across]
    rows = rows.sort_values(["vector", "subject", "session"], kind="stable").drop_duplicates(["vector", "session"])
    for _, group in rows.groupby("vector", sort=False):
        subjects = sorted(set(group["subject"]))
        numbers = _numbers(kind, int(group["at"].iloc[0]))
        for session, subject, file in zip(group["session"], group["subject"], group["file"], strict=True):
            other = subjects[0] if subjects[0] != subject else subjects[1]
            expected = "values of its own: machines that differ do not agree in every printed digit"
            message = (
                f"{numbers}: digit for digit the values of {len(group) - 1} other sessions, on {len(subjects) - 1} other "
                f"subjects ({other} for one); honest machines that differ agree like this less than once in 10,000 batches."
            )
            yield session, file, numbers, expected, message


def constant_multiple(batch: Batch) -> pd.DataFrame:
    """Sessions whose values are those of another result times one constant."""
    return found(row for kind, _, multiples in batch.once(_judged) for row in _multiples(kind, multiples))


def _multiples(kind: Kind, multiples: Multiples) -> Iterator[tuple[Any, str, str, str, str]]:
    seen = set()
    for at in np.flatnonzero(multiples.of >= 0):
        of, session = multiples.of[at], kind.rows["session"].iloc[at]
        if session in seen:
            continue
        seen.add(session)
        numbers = _numbers(kind, int(at))
        other = f"session {kind.rows['session'].iloc[of]} ({kind.rows['subject'].iloc[of]})"
        how = "others are" if of == at else f"{multiples.factor[at]:.6g} times"
        what = "constant multiples of these values" if of == at else f"the values of {other}"
        yield (
            session,
            kind.rows["file"].iloc[at],
            numbers,
            "ratios between metrics that differ from machine to machine",
            f"{numbers}: {how} {what}, in every metric, to the rounding of what was printed; measured results scatter.",
        )


def zero_variance(batch: Batch) -> pd.DataFrame:
    """Executions of one machine that repeat each other digit for digit, and passes of one execution that do."""
    return found([*_repeated_results(batch), *_repeated_passes(batch)])


def _repeated_results(batch: Batch) -> Iterator[tuple[Any, str, str, str, str]]:
    for kind, copies, _ in batch.once(_judged):
        if not copies.within.any():
            continue
        rows = kind.rows.assign(vector=copies.vector, at=np.arange(len(kind.rows)))[copies.within]
        count = rows.groupby(["vector", "subject"])["at"].transform("size")
        rows = rows.assign(count=count).drop_duplicates("session")
        for session, subject, file, at, times in zip(
            rows["session"], rows["subject"], rows["file"], rows["at"], rows["count"], strict=True
        ):
            numbers = _numbers(kind, int(at))
            message = f"{numbers}: {times} executions on {subject} agree in every printed digit; measured executions scatter."
            yield session, file, numbers, "executions that differ in their last digits", message


def _repeated_passes(batch: Batch) -> Iterator[tuple[Any, str, str, str, str]]:
    passes = batch.passes
    if passes.empty:
        return
    key = ["session", "file", "benchmark", "metric", "execution", "threads", "problem_size"]
    groups = passes.groupby(key, sort=False, dropna=False)["value"].agg(["size", "min", "max"]).reset_index()
    groups = groups[(groups["size"] >= LEAST_PASSES) & (groups["min"] == groups["max"])]
    digits = printed(groups["min"].to_numpy(dtype=np.float64)).digits
    # A clock that ticks coarsely prints few digits: that many equal passes must be unlikely at the digits there are.
    alike = np.minimum(1.0, np.maximum(10.0 ** (1.0 - digits), FINEST) / (2 * np.sqrt(np.pi) * SAME_MACHINE.few))
    groups = groups[alike ** (groups["size"].to_numpy() - 1) < FINEST]
    for session, file, metric, execution, size, value in records(groups, "session", "file", "metric", "execution", "size", "min"):
        shown_value = f"{metric} {shown(value)}"
        message = f"{shown_value}: all {size} passes of execution {execution} agree in every digit; measured passes scatter."
        yield session, str(file), shown_value, "passes that differ in their last digits", message


def too_round(batch: Batch) -> pd.DataFrame:
    """Results of several rates, none of which has more than three digits."""
    rows = batch.values[batch.values["unit"].isin(_RATES).to_numpy()]
    if rows.empty:
        return found()
    digits = printed(rows["value"].to_numpy(dtype=np.float64, na_value=np.nan)).digits
    table = pd.DataFrame({"result": result_numbers(rows), "session": rows["session"].to_numpy(), "file": rows["file"].to_numpy()})
    table["digits"] = digits
    results = table.groupby("result").agg(
        n=("digits", "size"), digits=("digits", "max"), session=("session", "first"), file=("file", "first")
    )
    results = results[(results["n"] >= MANY_METRICS) & (results["digits"] <= FEW_DIGITS)].drop_duplicates("session")
    return found(
        (
            session,
            str(file),
            f"{most} digits at most in {n} rates",
            f"more than {FEW_DIGITS} digits",
            f"None of {n} rates has more than {most} digits; benchmark programs print more, people write such numbers.",
        )
        for session, file, n, most in records(results, "session", "file", "n", "digits")
    )


def duration(batch: Batch) -> pd.DataFrame:
    """Executions that were over before their work can have been done at the rate they claim."""
    work = batch.once(implied_seconds)
    short = work[(work["seconds"] > 1.05 * work["duration_s"] + 0.01).to_numpy()].drop_duplicates("session")
    return found(
        (
            session,
            str(file),
            f"{shown(took)} s",
            f"at least {shown(least)} s",
            f"{benchmark}: the run took {shown(took)} s; its work at the rate that it claims takes {shown(least)} s.",
        )
        for session, file, benchmark, took, least in records(short, "session", "file", "benchmark", "duration_s", "seconds")
    )


def _numbers(kind: Kind, at: int) -> str:
    pairs = [f"{metric} {value:.12g}" for metric, value in zip(kind.metrics, kind.values[at], strict=True)]
    more = f" and {len(pairs) - _SHOWN_METRICS} more" if len(pairs) > _SHOWN_METRICS else ""
    return ", ".join(pairs[:_SHOWN_METRICS]) + more


RULES = (
    Rule(
        id="fabrication.same-vector",
        severity=Severity.QUARANTINE,
        says="Two machines that differ do not give the same values in every printed digit.",
        because="The chance is the product over metrics of resolution / (2 sqrt(pi) spread): for four numbers of three digits "
        "under one in ten million pairs. The rule raises where honest machines would do it in less than one of 10,000 batches. "
        "Publicly shared EC2 results carry one vector on 66 types.",
        judge=same_vector,
    ),
    Rule(
        id="fabrication.constant-multiple",
        severity=Severity.QUARANTINE,
        says="No result is another one times a constant.",
        because="A processor has its own ratio of copy to triad, which differs by percents between processors and scatters from "
        "run to run; ratios that agree to the rounding of the print come from multiplying.",
        judge=constant_multiple,
    ),
    Rule(
        id="fabrication.zero-variance",
        severity=Severity.QUARANTINE,
        says="Repeated executions, and passes of one execution, differ.",
        because="Even on bare metal with fixed clocks, repeated runs differ by parts in a thousand (Hoefler and Belli, SC'15, "
        "section 3); runs that agree in every digit were run once, or never.",
        judge=zero_variance,
    ),
    Rule(
        id="fabrication.too-round",
        severity=Severity.WARNING,
        says="At least one of four or more rates has more than three digits.",
        because="STREAM and HPL print five digits and more; four measured four-digit numbers all end in a hidden zero once in "
        "10,000 results.",
        judge=too_round,
    ),
    Rule(
        id="fabrication.duration",
        severity=Severity.QUARANTINE,
        says="A run takes at least as long as its work takes at the rate that it claims.",
        because="Time = work / rate: (2/3 N^3 + 2 N^2) operations for HPL, the counted bytes of every pass for STREAM.",
        judge=duration,
        applies_to=("hpl", "stream"),
    ),
)
