"""What processors find in the data files of recordings; nothing is judged here, assay.preprocess names the rules."""

from __future__ import annotations

from assay.check.rule import Rule, Severity, Stage

UNREADABLE = "preprocess.unreadable"
UNKNOWN_FORMAT = "preprocess.unknown-format"
GAPS = "preprocess.gaps"
CLIPPED = "preprocess.clipped"

WARNINGS = frozenset({UNKNOWN_FORMAT, GAPS, CLIPPED})
"""Rules that only warn: there are processed files, and a person should know something about them."""


def _rule(name: str, says: str, because: str) -> Rule:
    return Rule(name, Severity.WARNING if name in WARNINGS else Severity.QUARANTINE, says, because, stage=Stage.PREPROCESS)


RULES = (
    _rule(
        UNREADABLE,
        "A data file of a known format can be read to its end.",
        "What is cut or changed looks like a shorter recording once it is a table; the raw file is kept, nothing is made of it.",
    ),
    _rule(
        UNKNOWN_FORMAT,
        "The format of a data file is known.",
        "A file of another format is copied as it is; nothing in it was looked at.",
    ),
    _rule(GAPS, "A signal has no gaps.", "Filters and spectra across a gap are wrong on both sides; the gaps are listed."),
    _rule(
        CLIPPED,
        "A signal does not rest at the limits of its recorder.",
        "There the recorder could not follow: the true value lies beyond.",
    ),
)
