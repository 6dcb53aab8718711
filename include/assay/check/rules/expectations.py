"""The rules that Great Expectations judges: one for each line of the suites in check/suites/."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from assay.check.expectations import suites, validate
from assay.check.found import found
from assay.check.rule import Batch, Rule, Severity


def _judge(rule: str) -> Callable[[Batch], pd.DataFrame]:
    return lambda batch: batch.once(validate).findings.get(rule, found())


RULES = tuple(
    Rule(line.rule, Severity(line.severity), line.says, line.because, _judge(line.rule), kind=suite.kind)
    for suite in suites()
    for line in suite.expectations
)
