"""comparability.same-run"""

from __future__ import annotations

import pandas as pd
from assay.check.rule import Batch
from assay.check.rules.repeats import RULES

[RULE] = RULES


def batch(*rows: tuple[str, str, str, str, int]) -> Batch:
    """Sessions by (session, subject, task, start of the run, number of files)."""
    sessions = pd.DataFrame(
        [(session, "spare-cores", subject, task, run) for session, subject, task, run, _ in rows],
        columns=["session", "source", "subject", "task", "task_run"],
    )
    files = pd.DataFrame([(session, f"f{n}", 1, "") for session, *_, count in rows for n in range(count)])
    files.columns = pd.Index(["session", "path", "size", "sha256"])
    return Batch(sessions, files, pd.DataFrame(), pd.DataFrame())


def held(given: Batch) -> list[str]:
    assert RULE.judge is not None
    return list(RULE.judge(given)["session"])


def test_of_the_same_run_in_two_sessions_the_one_with_more_files_stays() -> None:
    run = ("m7i.large", "geekbench", "2024-06-08T08:22:57.844344")
    assert held(batch(("a", *run, 2), ("b", *run, 3))) == ["a"]
    assert held(batch(("b", *run, 3), ("a", *run, 2))) == ["a"]
    assert held(batch(("b", *run, 2), ("a", *run, 2))) == ["b"]


def test_runs_that_differ_in_type_task_or_start_are_different_runs() -> None:
    assert (
        held(
            batch(
                ("a", "m7i.large", "redis", "2024-06-08T08:22:57.844344", 2),
                ("b", "c7g.large", "redis", "2024-06-08T08:22:57.844344", 2),
                ("c", "m7i.large", "bw_mem", "2024-06-08T08:22:57.844344", 2),
                ("d", "m7i.large", "redis", "2024-06-08T08:22:57.844345", 2),
            )
        )
        == []
    )


def test_sessions_that_do_not_name_a_run_are_left_alone() -> None:
    assert held(batch(("a", "m7i.large", "", "", 2), ("b", "m7i.large", "", "", 2))) == []
    without = batch(("a", "m7i.large", "x", "y", 1))
    assert held(Batch(without.sessions[["session", "source", "subject"]], without.files, pd.DataFrame(), pd.DataFrame())) == []
