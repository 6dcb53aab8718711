"""What a finding while reading does to its session is said in two rooms; they say the same."""

from __future__ import annotations

import importlib
import pkgutil

from assay.check import rules
from assay.check.rule import Rule, Stage
from assay.read.content import Problem
from assay.read.rules import findings_frame, severity


def _read_rules() -> list[Rule]:
    modules = [importlib.import_module(f"{rules.__name__}.{found.name}") for found in pkgutil.iter_modules(rules.__path__)]
    return [rule for module in modules for rule in getattr(module, "RULES", ()) if rule.stage == Stage.READ]


def test_severities_are_those_of_the_rules() -> None:
    known = _read_rules()
    assert known
    assert {rule.id: severity(rule.id) for rule in known} == {rule.id: rule.severity.value for rule in known}


def test_a_rule_that_nobody_thought_of_quarantines() -> None:
    frame = findings_frame([("20241120T093011Z-3fa9c24be01d", Problem("reading.new", "a", "b", "c", "d"))])
    assert frame["severity"].to_list() == ["quarantine"]
