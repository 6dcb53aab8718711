"""Rules meet batches of every size: nothing at all, and one session that says little of itself."""

from __future__ import annotations

import pandas as pd
import pytest
from assay.check.judge import judge
from assay.check.registry import all_rules
from assay.check.rule import Batch, Rule
from assay.measurement import Execution, Measurement, execution_frame, measurement_frame

SESSION, SUBJECT = "20241120T093011Z-0123456789ab", "host-1a2b3c4d"
JUDGING = [rule for rule in all_rules() if rule.judge is not None]


def batch(sessions: int, measurements: int) -> Batch:
    columns = {
        "session": SESSION,
        "kind": "instance_benchmark",
        "subject": SUBJECT,
        "source": "assay-agent",
        "source_file": "",
        "started_at": pd.Timestamp("2024-11-20T09:30:11Z"),
        "ended_at": pd.Timestamp("2024-11-20T09:31:00Z"),
    }
    run = Execution("stream", 1, "assay-stream", "1", "all", "4x-llc", "-O3", status="finished", exit_code=0, duration_s=2.0)
    rows = [(SESSION, SUBJECT, run, Measurement("stream", "triad_bandwidth", 31.41592, "GB/s"), "f")] * measurements
    typed = {name: "datetime64[us, UTC]" if name.endswith("_at") else "string" for name in columns}
    files = {"session": "string", "path": "string", "size": "int64", "sha256": "string"}
    return Batch(
        pd.DataFrame([columns] * sessions, columns=list(columns)).astype(typed),
        pd.DataFrame(columns=list(files)).astype(files),
        execution_frame([(SESSION, SUBJECT, run)] * measurements),
        measurement_frame(rows),
    )


@pytest.mark.parametrize("rule", JUDGING, ids=lambda rule: rule.id)
def test_a_rule_finds_nothing_in_nothing(rule: Rule) -> None:
    assert judge(batch(0, 0), [rule]).empty


@pytest.mark.parametrize("measurements", [0, 1])
@pytest.mark.parametrize("rule", JUDGING, ids=lambda rule: rule.id)
def test_a_rule_copes_with_a_session_that_claims_nothing(rule: Rule, measurements: int) -> None:
    found = judge(batch(1, measurements), [rule])
    assert set(found["session"]) <= {SESSION}
