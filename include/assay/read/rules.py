"""The rules that are found while reading, and what a finding of each does to its session.

Readers name a rule in a Problem; here stands which of them are warnings. Every other one quarantines: where reading went wrong in
a way that nobody thought of, nothing is published.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from assay.database.words import FINDING_COLUMNS
from assay.read.content import Problem

QUARANTINE = "quarantine"
WARNING = "warning"

UNREADABLE = "reading.unreadable"
UNKNOWN_SUITE = "reading.unknown-suite"
MISSING_FILE = "reading.missing-file"
SIZE_LIMIT = "integrity.size-limit"
HASH = "integrity.hash"

WARNINGS = frozenset(
    {
        "reading.output-left-out",
        "reading.outputs-disagree",
        "reading.size-differs",
        "reading.upload-failed",
        "reading.zero-result",
    }
)
"""Rules that only warn: the numbers were read, and something beside them is odd."""


def severity(rule: str) -> str:
    """What a finding of this rule does to its session."""
    return WARNING if rule in WARNINGS else QUARANTINE


def findings_frame(problems: Iterable[tuple[str, Problem]]) -> pd.DataFrame:
    """The findings of the stage `read` from (session, problem) pairs, columns as FINDING_COLUMNS."""
    rows = [
        (session, found.rule, severity(found.rule), found.file, found.value, found.expected, found.message)
        for session, found in problems
    ]
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS), dtype="string")
