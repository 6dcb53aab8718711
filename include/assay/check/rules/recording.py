"""Is a recording session what its lab's schema says? The rules of assay.recording, as on the lab machine before.

They were judged when the metadata were read; here each becomes a finding. What compares sessions with one another, and what Great
Expectations can express, is in check/suites/recording.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from assay.check.found import found
from assay.check.rule import Batch, Rule, Severity
from assay.recording.rules import RULES as RECORDING_RULES
from assay.session import SessionKind

FINDINGS = "metadata_findings"
"""Column of the sessions' profiles: what assay.read.recordings found, as [rule, file, field, value, expected, message]."""


def _judge(rule: str) -> Callable[[Batch], pd.DataFrame]:
    return lambda batch: found(row[1:] for row in batch.once(_all) if row[0] == rule)


def _all(batch: Batch) -> list[tuple[str, str, str, str, str, str]]:
    return list(_rows(batch))


def _rows(batch: Batch) -> Iterator[tuple[str, str, str, str, str, str]]:
    recordings = (batch.sessions["kind"] == SessionKind.RECORDING.value).to_numpy(dtype=bool, na_value=False)
    sessions, lists = batch.sessions.loc[recordings, "session"], batch.claim(FINDINGS)[recordings]
    for session, findings in zip(sessions, lists, strict=True):
        for rule, file, _, value, expected, message in findings if isinstance(findings, list) else ():
            yield rule, session, file, value, expected, message


RULES = tuple(
    Rule(rule.id, Severity(rule.on_server.value), rule.says, rule.because, _judge(rule.id), kind=SessionKind.RECORDING)
    for rule in RECORDING_RULES.values()
)
