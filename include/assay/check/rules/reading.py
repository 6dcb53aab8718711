"""What readers find while they read: output that cannot be read whole, and runs that ended without a result.

A reader names the rule and writes the finding; nothing is judged here. None of these hands a number on, save the warnings.
"""

from __future__ import annotations

from assay.check.rule import Rule, Severity, Stage

_README = "sc-inspector-data's record of a run, meta.json"
_NEVER_A_PART = "A part of an output looks like a whole one once it is in a table."


def _quarantine(name: str, says: str, because: str) -> Rule:
    return Rule(f"reading.{name}", Severity.QUARANTINE, says, because, stage=Stage.READ)


def _warning(name: str, says: str, because: str) -> Rule:
    return Rule(f"reading.{name}", Severity.WARNING, says, because, stage=Stage.READ)


RULES = (
    _quarantine("missing-file", "Every file that the numbers are read from is there.", "Without the output there is no result."),
    _quarantine(
        "unreadable",
        "A raw file is what its tool prints: text or JSON of the form that the tool documents.",
        "Bytes of another form cannot be read without guessing what they mean.",
    ),
    _quarantine(
        "unknown-format",
        "A known tool prints in a form that is known.",
        "The same task printed other tables in other versions; reading one as the other gives numbers of another meaning.",
    ),
    _quarantine(
        "unknown-suite",
        "The suite or task of a session is one that can be read.",
        "An envelope that is known may hold a suite that is not: it is kept, and read once there is a reader.",
    ),
    _quarantine("truncated-output", "An output is whole to its last line.", _NEVER_A_PART),
    _quarantine(
        "interleaved-output",
        "No other program's lines stand among the results.",
        "A crash message among the rows says that the tool did not do its work, even where it exits with 0 (bw_mem does).",
    ),
    _quarantine(
        "incomplete-result",
        "Exit code 0 comes with a complete result.",
        "Tools exit with 0 when they were cut short or out of memory: the code says that they ended, not that they measured.",
    ),
    _quarantine(
        "missing-metric",
        "A suite comes with every metric that it consists of.",
        "STREAM is four kernels; a result that lacks one is not a STREAM result (STREAM 5.10, run rules).",
    ),
    _quarantine("unknown-unit", "Every number has a unit that is known.", "Without its unit a number cannot be compared."),
    _quarantine(
        "not-completed",
        "The source itself says that the run completed.",
        "What a run printed before it failed is not its result.",
    ),
    _quarantine(
        "never-finished",
        "The run ended: its exit code is there.",
        f"A placeholder is written when the machine starts; without an exit code the run never came back ({_README}).",
    ),
    _quarantine("not-started", "The machine could be started.", f"Exit code -1, nearly always a quota ({_README})."),
    _quarantine("not-applicable", "The task applies to the machine.", f"Exit code -2 ({_README})."),
    _quarantine("precheck-failed", "The machine passed the task's check before the run.", f"Exit code -3 ({_README})."),
    _quarantine("not-reached", "The task had its turn before the run ended.", f"Exit code -4 ({_README})."),
    _quarantine("gave-up", "The task gave output within three starts.", f"Exit code -5 ({_README})."),
    _quarantine("harness-error", "The program that runs the tasks did not fail itself.", f"Exit code 256 ({_README})."),
    _quarantine("tool-failed", "The tool ended with exit code 0.", "Any other code is the tool's own word that it failed."),
    _warning(
        "size-differs",
        "An output has the size that was recorded after the run.",
        "A file that is whole and has another size was edited by hand after the run; the numbers in it are the publisher's word.",
    ),
    _warning(
        "output-left-out",
        "The text that a machine-readable result was made from is there too.",
        "Without it the result cannot be checked against what the tool printed.",
    ),
    _warning(
        "outputs-disagree",
        "Two outputs of one run say the same.",
        "One of them was made from the other; where they differ, one was changed or is of another run.",
    ),
    _warning(
        "zero-result",
        "A test that ran has a result above 0.",
        "0 stands for a test that did not run, for want of memory mostly; it is left out, never published as a number.",
    ),
    _warning(
        "upload-failed",
        "The maker's page confirms the result.",
        "The upload failed after the run; the scores are those of the report that was printed.",
    ),
)
