"""The same run must not count twice, even where two imports brought different parts of it."""

from __future__ import annotations

import pandas as pd

from assay.check.found import found
from assay.check.rule import Batch, Rule, Severity

SAME_RUN = "comparability.same-run"

_RUN = ["source", "subject", "task", "task_run"]


def _same_run(batch: Batch) -> pd.DataFrame:
    """Of the sessions that hold the same run of a task, all but the one with the most files (of these, the first by id)."""
    if not {"task", "task_run"} <= set(batch.sessions.columns):
        return found()
    sessions = batch.sessions[["session", *_RUN]].dropna()
    sessions = sessions[(sessions["task"] != "") & (sessions["task_run"] != "")]
    files = batch.files.groupby("session").size().rename("files")
    ranked = sessions.join(files, on="session").sort_values(["files", "session"], ascending=[False, True])
    whole = ranked.groupby(_RUN)["session"].transform("first")
    again = ranked.assign(whole=whole)[ranked["session"] != whole]
    return found(
        (
            row.session,
            "",
            str(row.task_run),
            f"one session for this run; {row.whole} holds it with as many files or more",
            f"run {row.task_run} of {row.task} on {row.subject} is session {row.whole} too; expected every run once",
        )
        for row in again.itertuples()
    )


RULES = (
    Rule(
        id=SAME_RUN,
        severity=Severity.QUARANTINE,
        says="A run of a task is one session.",
        because="A source may list the same run in two places, with different files beside it; counted twice, it would narrow "
        "the interval by a sample that does not exist.",
        judge=_same_run,
    ),
)
