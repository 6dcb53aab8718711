"""docs/rules.md from the rules themselves: every rule with what it says, why, what it does and when."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from assay.check.registry import all_rules
from assay.check.rule import Rule, Severity, Stage

_HEAD = """# Rules

Generated from `assay.check.rules` by `make docs`. `assay rules` prints the same list.

A finding of severity **quarantine** keeps its session out of every statistic; a **warning** is published with the
numbers. Nothing is deleted: the raw files stay, `assay quarantine show SESSION` explains, and
`assay quarantine release SESSION --why ...` overrules. How the rules on fabrication compute a chance is in
[statistics.md](statistics.md).

| stage | looks at |
|---|---|
| `verify` | bytes and manifest, before anything is read |
| `read` | one raw file at a time, while it becomes measurements |
| `check` | every session of the dataset at once |
| `preprocess` | one raw file of a recording at a time, while it becomes processed files |
"""


def rules_markdown() -> str:
    """The page, rules by group (what stands before the dot of an id) and id."""
    rules = all_rules()
    held = sum(rule.severity is Severity.QUARANTINE for rule in rules)
    parts = [_HEAD, f"{len(rules)} rules: {held} quarantine, {len(rules) - held} warn.\n"]
    for group, members in groupby(rules, key=lambda rule: rule.id.partition(".")[0]):
        parts.append(f"## {group}\n\n{_table(members)}")
    return "\n".join(parts)


def _table(rules: Iterable[Rule]) -> str:
    lines = ["| rule | severity | stage | says | because |", "|---|---|---|---|---|"]
    for rule in rules:
        stage = Stage(rule.stage).value
        cells = (f"`{rule.id}`", rule.severity.value, stage, rule.says, rule.because)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(rules_markdown(), end="")  # noqa: T201 - this is what the command is for
