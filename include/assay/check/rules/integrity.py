"""Are the bytes those that were recorded?

What is found while verifying has no function here: assay.check.verify looks at bytes, before anything is read.
"""

from __future__ import annotations

from assay.check.rule import Rule, Severity, Stage

HASH = "integrity.hash"
SIZE = "integrity.size"
SIZE_LIMIT = "integrity.size-limit"
MISSING_FILE = "integrity.missing-file"
UNLISTED_FILE = "integrity.unlisted-file"
CLOCK = "integrity.clock"

WARNINGS = frozenset({UNLISTED_FILE})
"""Rules of the stage `verify` that only warn: what the manifest lists is whole."""

_MANIFEST = "The manifest is written last and lists every raw file: what does not agree with it was changed later."


def _verified(rule: str, says: str, because: str) -> Rule:
    severity = Severity.WARNING if rule in WARNINGS else Severity.QUARANTINE
    return Rule(rule, severity, says, because, stage=Stage.VERIFY)


RULES = (
    _verified(HASH, "Every raw file has the SHA-256 that was recorded for it.", _MANIFEST),
    _verified(SIZE, "Every raw file has the size that its manifest states.", _MANIFEST),
    _verified(
        SIZE_LIMIT,
        "No raw file of a benchmark is larger than the limit.",
        "A tool prints kilobytes; a thousand times that is not its output, and reading it would take the memory of others.",
    ),
    _verified(MISSING_FILE, "Every file that the manifest lists is in raw storage.", _MANIFEST),
    _verified(
        UNLISTED_FILE,
        "The session's folder holds nothing that its manifest does not list.",
        "A file without a hash proves nothing: it is kept and never read.",
    ),
    _verified(
        CLOCK,
        "A session did not start in the future.",
        "Its start time is its partition and its place in every trend; a wrong clock puts it in the wrong place.",
    ),
)
