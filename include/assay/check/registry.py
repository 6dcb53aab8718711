"""Every rule, found by being in the room `rules/`: a module there holds them in a tuple named RULES."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from assay.check import rules
from assay.check.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by id. Raises ValueError if two share an id."""
    found: dict[str, Rule] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(rules.__path__)):
        for rule in getattr(importlib.import_module(f"{rules.__name__}.{module}"), "RULES", ()):
            if rule.id in found:
                raise ValueError(f"check/rules/{module}.py: rule id {rule.id!r} is taken; give the rule an id of its own")
            found[rule.id] = rule
    return tuple(found[rule_id] for rule_id in sorted(found))
