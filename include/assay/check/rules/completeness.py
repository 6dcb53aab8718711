"""Whether a session is whole and means what it says: complete results of the suite it names, each number once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from assay.check.found import found, records, shown
from assay.check.rule import Batch, Rule, Severity

FINISHED = "finished"

REQUIRED_METRICS = {
    "stream": ("copy_bandwidth", "scale_bandwidth", "add_bandwidth", "triad_bandwidth"),
    "hpl": ("gflops",),
}
"""Metrics without which a result is not a result of its benchmark."""

UNITS_OF = {
    "_bandwidth": ("GB/s", "MB/s", "bytes/s"),
    "_latency": ("nanoseconds", "cycles", "milliseconds", "seconds"),
    "gflops": ("GFLOPS",),
    "_clock": ("GHz",),
}
"""Units that a metric may have, by how its name ends."""

UNITS_IN = {
    **{(benchmark, "_bandwidth"): ("GB/s",) for benchmark in ("stream", "stream_cache", "vectorization", "numa")},
    ("cache_latency", "_latency"): ("nanoseconds", "cycles"),
    ("cache_latency", "dram_latency"): ("nanoseconds",),
    ("numa", "_latency"): ("nanoseconds",),
}
"""Units that it may have in a benchmark whose documents accept no other; the last that fits counts."""

_SAME_NUMBER = (
    "session",
    "file",
    "benchmark",
    "metric",
    "implementation",
    "version",
    "threads",
    "size_policy",
    "build_flags",
    "execution",
    "iteration",
    "problem_size",
)


def suite_matches_payload(batch: Batch) -> pd.DataFrame:
    """Sessions labelled as one suite that hold another."""
    claims = pd.DataFrame(
        {"session": batch.sessions["session"], "suite": batch.claim("claimed_suite"), "payload": batch.claim("claimed_payload")}
    )
    claims = claims[(claims["suite"].notna() & claims["payload"].notna()).to_numpy()]
    rows = []
    for session, suite, payload in records(claims, "session", "suite", "payload"):
        names = list(payload) if isinstance(payload, list | tuple) else [str(payload)]
        if suite not in names:
            held = ", ".join(str(name) for name in names) or "nothing"
            rows.append((session, "", held, str(suite), f"The session is labelled {suite!r}, but holds the results of {held}."))
    return found(rows)


def failed(batch: Batch) -> pd.DataFrame:
    """Sessions in which no execution finished, unless an earlier stage has held them with the reason why."""
    executions = batch.executions
    finished = executions[(executions["status"] == FINISHED).to_numpy(dtype=bool, na_value=False)]["session"]
    held = batch.claim("held").eq(True).fillna(False).to_numpy(dtype=bool)
    lost = batch.sessions[~batch.sessions["session"].isin(finished).to_numpy() & ~held][["session"]]
    last = lost.merge(executions.drop_duplicates("session"), on="session", how="left")
    return found(
        _failure(session, tool, status, code, file)
        for session, tool, status, code, file in records(last, "session", "tool", "status", "exit_code", "file")
    )


def _failure(session: Any, tool: Any, status: Any, code: Any, file: Any) -> tuple[Any, str, str, str, str]:
    expected = "an execution that finished"
    if pd.isna(status):
        return session, "", "no execution", expected, "The session holds no execution of any tool."
    ended = f"{tool}: {status}, exit code {'none' if pd.isna(code) else int(code)}"
    return session, str(file), ended, expected, f"No execution finished ({ended})."


def failed_execution(batch: Batch) -> pd.DataFrame:
    """Executions that did not finish beside others of the session that did."""
    executions = batch.executions
    is_finished = (executions["status"] == FINISHED).to_numpy(dtype=bool, na_value=False)
    with_result = executions["session"].isin(executions.loc[is_finished, "session"]).to_numpy()
    bad = executions[~is_finished & with_result]
    return found(
        (
            session,
            str(file),
            f"{tool} ({threads}), execution {execution}: {status}",
            FINISHED,
            f"{tool} ({threads}), execution {execution}, is {status}{f': {error}' if error else ''}; the others count.",
        )
        for session, file, tool, threads, execution, status, error in records(
            bad, "session", "file", "tool", "threads", "execution", "status", "error"
        )
    )


def required_metrics(batch: Batch) -> pd.DataFrame:
    """Results that lack a metric of their benchmark."""
    values = batch.values[batch.values["benchmark"].isin(list(REQUIRED_METRICS)).to_numpy()]
    key = ["session", "benchmark", "implementation", "version", "threads", "size_policy", "build_flags", "execution"]
    rows = []
    for benchmark, metrics in REQUIRED_METRICS.items():
        of = values[(values["benchmark"] == benchmark).to_numpy()]
        there = of[of["metric"].isin(metrics).to_numpy()].drop_duplicates([*key, "metric"])
        complete = there.groupby(key, dropna=False, sort=False)["metric"].size().rename("there").reset_index()
        results = of.groupby(key, dropna=False, sort=False)["file"].first().reset_index().merge(complete, on=key, how="left")
        lacking = results[(results["there"].fillna(0) < len(metrics)).to_numpy()].drop_duplicates("session")
        for session, file in records(lacking, "session", "file"):
            held = ", ".join(sorted(set(of.loc[(of["session"] == session).to_numpy(), "metric"])))
            needed = ", ".join(metrics)
            rows.append((session, str(file), held, needed, f"A {benchmark} result has {needed}; this one has {held}."))
    return found(rows)


def unit_of_metric(batch: Batch) -> pd.DataFrame:
    """Numbers whose unit is none for what their name says they are."""
    key = ["benchmark", "metric", "unit"]
    pairs = batch.measurements[key].drop_duplicates()
    allowed = [units_of(str(benchmark), str(metric)) for benchmark, metric in records(pairs, "benchmark", "metric")]
    refused = [bool(units) and unit not in units for units, unit in zip(allowed, pairs["unit"], strict=True)]
    wrong = pairs.assign(allowed=pd.Series(allowed, index=pairs.index, dtype=object))[np.array(refused, dtype=bool)]
    rows = batch.measurements.merge(wrong, on=key, how="inner").drop_duplicates(["session", *key])
    return found(
        (session, str(file), f"{metric} in {unit}", " or ".join(units), f"{metric} is given in {unit}.")
        for session, file, metric, unit, units in records(rows, "session", "file", "metric", "unit", "allowed")
    )


def units_of(benchmark: str, metric: str) -> tuple[str, ...]:
    """The units that a metric of a benchmark may have; none if any will do."""
    named = [units for (where, ending), units in UNITS_IN.items() if where == benchmark and metric.endswith(ending)]
    return (named or [units for ending, units in UNITS_OF.items() if metric.endswith(ending)] or [()])[-1]


def repeated_number(batch: Batch) -> pd.DataFrame:
    """Sessions in which one number of one pass of one execution stands twice."""
    rows = batch.measurements
    twice = rows[rows.duplicated(list(_SAME_NUMBER)).to_numpy()].drop_duplicates("session")
    return found(
        (
            session,
            str(file),
            f"{benchmark} {metric} twice",
            "each number once",
            f"{benchmark} {metric} of execution {execution} stands twice: two outputs are mixed.",
        )
        for session, file, benchmark, metric, execution in records(twice, "session", "file", "benchmark", "metric", "execution")
    )


def repeated_file(batch: Batch) -> pd.DataFrame:
    """Sessions whose numbers were read from bytes that another session of the same subject holds too: all but one of them."""
    numbers = batch.measurements[["session", "subject", "file"]].drop_duplicates()
    files = batch.files[["session", "path", "sha256"]].rename(columns={"path": "file"})
    held = numbers.merge(files, on=["session", "file"], how="inner")
    # The session with the most files stays, as in `comparability.same-run`: the two rules must not hold one each.
    held["size"] = held["session"].map(batch.files["session"].value_counts())
    held = held.sort_values(["size", "session"], ascending=[False, True], kind="stable")
    held["kept"] = held.groupby(["subject", "sha256"], sort=False)["session"].transform("first")
    again = held[(held["session"] != held["kept"]).to_numpy()].drop_duplicates("session")
    return found(
        (
            session,
            str(file),
            f"SHA-256 {str(sha256)[:12]}...",
            "bytes that no other session of the subject holds",
            f"{file} is byte for byte a file of session {kept}: its numbers would count twice.",
        )
        for session, file, sha256, kept in records(again, "session", "file", "sha256", "kept")
    )


def not_finite(batch: Batch) -> pd.DataFrame:
    """Sessions with a number that is none."""
    rows = batch.measurements
    value = rows["value"].to_numpy(dtype=np.float64, na_value=np.nan)
    bad = rows[~np.isfinite(value)].drop_duplicates("session")
    return found(
        (session, str(file), f"{metric}: {shown(value)}", "a finite number", f"{metric} is {shown(value)}.")
        for session, file, metric, value in records(bad, "session", "file", "metric", "value")
    )


RULES = (
    Rule(
        "integrity.suite-payload",
        Severity.QUARANTINE,
        "The results are those of the suite that the session is labelled with.",
        "A label that the payload contradicts shows that the result was not made by the run that it claims.",
        suite_matches_payload,
    ),
    Rule(
        "integrity.failed",
        Severity.QUARANTINE,
        "At least one execution of the session finished.",
        "What did not finish measured nothing; its reason is kept.",
        failed,
    ),
    Rule(
        "integrity.failed-execution",
        Severity.WARNING,
        "Every execution finished.",
        "A tool that is missing or fails is recorded, and the rest counts; that it failed is published with the rest.",
        failed_execution,
    ),
    Rule(
        "integrity.required-metrics",
        Severity.QUARANTINE,
        "A result has every metric of its benchmark.",
        "STREAM is four kernels and HPL a rate; part of a result is the mark of a cut output (STREAM 5.10, HPL 2.3).",
        required_metrics,
        applies_to=tuple(REQUIRED_METRICS),
    ),
    Rule(
        "integrity.unit-of-metric",
        Severity.QUARANTINE,
        "A metric is given in a unit of what its name says.",
        "A bandwidth in nanoseconds is a latency under another name, or a column read as its neighbour.",
        unit_of_metric,
    ),
    Rule(
        "integrity.repeated-number",
        Severity.QUARANTINE,
        "Every number of an execution stands once.",
        "A number that stands twice comes from two outputs that were mixed.",
        repeated_number,
    ),
    Rule(
        "integrity.repeated-file",
        Severity.QUARANTINE,
        "The numbers were not read from bytes that an earlier session holds.",
        "The same file in two sessions is one measurement; counted twice, it makes n larger and the interval narrower "
        "than they are.",
        repeated_file,
    ),
    Rule(
        "integrity.not-finite",
        Severity.QUARANTINE,
        "Every number is finite.",
        "Infinity and NaN come from a division by a time of zero, or from an overflow.",
        not_finite,
    ),
)
