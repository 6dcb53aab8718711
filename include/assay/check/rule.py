"""What a rule is: data, a plain sentence, a reason with its source, and one vectorised function over a whole batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from assay.session import SessionKind

_Answer = TypeVar("_Answer")


class Severity(StrEnum):
    """What a finding does to its session."""

    WARNING = "warning"
    QUARANTINE = "quarantine"


class Stage(StrEnum):
    """Where on the path a finding was made; a recheck replaces those of its own stage only."""

    VERIFY = "verify"
    READ = "read"
    CHECK = "check"
    PREPROCESS = "preprocess"


FINDING_COLUMNS = ("session", "rule", "severity", "file", "value", "expected", "message")
"""One row of findings: session, rule, severity, raw file, what was found, what was expected, and the sentence for a person."""


VARIABLE_COLUMNS = {
    "session": "string",
    "file": "string",
    "field": "string",
    "value": "string",
    "number": "float64",
    "minimum": "float64",
    "maximum": "float64",
    "required": "bool",
    "numeric": "bool",
}
"""One row of a recording's metadata variables, those included that its schema requires and that have no value."""


def _no_variables() -> pd.DataFrame:
    return pd.DataFrame(columns=list(VARIABLE_COLUMNS)).astype(VARIABLE_COLUMNS)


@dataclass(frozen=True)
class Batch:
    """What rules judge: the whole batch at once.

    `sessions`: one row a session: session, kind, subject, source, started_at, ended_at, source_file and the profile's fields as
    columns.
    `files`: session, path, size, sha256. `executions` and `measurements`: as in assay.measurement. `variables`: VARIABLE_COLUMNS.
    Cross-session rules see every session of the dataset that was read, not only the new ones.
    """

    sessions: pd.DataFrame
    files: pd.DataFrame
    executions: pd.DataFrame
    measurements: pd.DataFrame
    variables: pd.DataFrame = field(default_factory=_no_variables)
    _answers: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def values(self) -> pd.DataFrame:
        """The measurements that are the value of an execution: those with an empty `iteration`."""
        return self.measurements[self.measurements["iteration"].isna().to_numpy()]

    @cached_property
    def passes(self) -> pd.DataFrame:
        """The measurements that are one pass within an execution."""
        return self.measurements[self.measurements["iteration"].notna().to_numpy()]

    def of_kind(self, kind: str) -> Batch:
        """The part of the batch that is of one kind: the batch itself where all of it is."""
        wanted = (self.sessions["kind"] == kind).to_numpy(dtype=bool, na_value=False)
        if wanted.all():
            return self
        names = self.sessions.loc[wanted, "session"]
        tables = (self.files, self.executions, self.measurements, self.variables)
        parts = (table[table["session"].isin(names).to_numpy()].reset_index(drop=True) for table in tables)
        return Batch(self.sessions[wanted].reset_index(drop=True), *parts)

    def once(self, compute: Callable[[Batch], _Answer]) -> _Answer:
        """What the function makes of this batch, computed the first time that a rule asks for it."""
        if compute not in self._answers:
            self._answers[compute] = compute(self)
        answer: _Answer = self._answers[compute]
        return answer

    def claim(self, name: str) -> pd.Series[Any]:
        """A field of the sessions' profiles, empty where a session has none; index as `sessions`."""
        if name in self.sessions.columns:
            return self.sessions[name]
        return pd.Series(pd.NA, index=self.sessions.index, dtype=object)


@dataclass(frozen=True)
class Rule:
    """One named check. The id is stable and appears in the quarantine, the documentation, the test's name and the message."""

    id: str
    severity: Severity
    says: str
    because: str
    judge: Callable[[Batch], pd.DataFrame] | None = None
    """(Batch) -> DataFrame[session, file, value, expected] and optionally `message`. None: found while verifying or reading."""
    stage: Stage = Stage.CHECK
    applies_to: tuple[str, ...] = ()
    """Benchmarks that the rule looks at; empty: all."""
    kind: str = SessionKind.INSTANCE_BENCHMARK.value
    """Kind of session that the rule looks at; it sees no session of another."""
