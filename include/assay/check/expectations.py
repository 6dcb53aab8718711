"""What Great Expectations can express: one suite of expectations for each kind of session, kept as data in `suites/`.

A failed expectation becomes a finding of the rule that the suite names. Great Expectations takes seconds to import and is
imported when it is first needed; its context lives in memory, sends nothing and keeps nothing.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from assay.check.found import found
from assay.check.recordings import recording_tables
from assay.check.rule import Batch
from assay.measurement import AGGREGATION_KEY, MEASUREMENT_COLUMNS, UNITS

SUITES = Path(__file__).with_name("suites")
RATE_UNITS = tuple(unit for unit in UNITS if unit not in ("seconds", "percent", "ratio"))
"""Units in which zero is no result. A launch may take no second, and a ratio or a residual may be zero."""

_NAMED = {"MEASUREMENT_COLUMNS": list(MEASUREMENT_COLUMNS), "UNITS": list(UNITS)}
_WHERE = ("session", "file", "field")
"""Columns that say where an unexpected value stands; a table has the third where its rows are fields of a file."""


@dataclass(frozen=True)
class Expectation:
    """One line of a suite."""

    rule: str
    table: str
    severity: str
    says: str
    because: str
    expectation: str
    kwargs: Mapping[str, Any]
    where: str = ""

    @property
    def part(self) -> str:
        """The rows that it looks at: a table, or part of one."""
        return f"{self.table}_{self.where.lower()}" if self.where else self.table


@dataclass(frozen=True)
class Suite:
    """The expectations of one kind of session."""

    kind: str
    version: str
    expectations: tuple[Expectation, ...]


@dataclass
class Validation:
    """What came of validating a batch: findings by rule, and the results as Great Expectations gives them, by title."""

    findings: dict[str, pd.DataFrame] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)


@cache
def suites() -> tuple[Suite, ...]:
    """Every suite in the room, by kind. Raises ValueError for a line that is none, with the file's name."""
    loaded = []
    for path in sorted(SUITES.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        try:
            lines = tuple(Expectation(**line) for line in document["expectations"])
            loaded.append(Suite(document["kind"], document["version"], lines))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path.name}: {error}; expected kind, version and expectations as in the other suites") from None
    return tuple(loaded)


def validate(batch: Batch) -> Validation:
    """Every suite over the batch's sessions of its kind; findings as a rule gives them."""
    validation = Validation()
    for suite in suites():
        of_kind = batch.sessions[(batch.sessions["kind"] == suite.kind).to_numpy(dtype=bool, na_value=False)]
        if of_kind.empty:
            continue
        tables = _TABLES[suite.kind](batch, of_kind)
        for part in dict.fromkeys(line.part for line in suite.expectations):
            lines = [line for line in suite.expectations if line.part == part]
            result = _run(f"{suite.kind} {suite.version}: {part}", tables[part], lines)
            validation.results[f"{suite.kind}-{part}"] = result
            for line, one in zip(lines, result.results, strict=True):
                validation.findings[line.rule] = found(_findings(line, one, of_kind["session"]))
    return validation


def _benchmark_tables(batch: Batch, sessions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    measurements = batch.measurements[batch.measurements["session"].isin(sessions["session"]).to_numpy()]
    executions = batch.executions[batch.executions["session"].isin(sessions["session"]).to_numpy()]
    keys = measurements[["session", "file"]].assign(key=_complete_keys(measurements))
    return {
        "measurements": _plain(measurements),
        "measurements_rates": _plain(
            measurements[measurements["unit"].isin(RATE_UNITS).to_numpy()][["session", "file", "value"]]
        ),
        "keys": keys,
        "executions": _plain(executions[["session", "file", "duration_s", "status"]]),
        "sessions": _without_zone(sessions[["session", "started_at", "ended_at"]]).assign(file=""),
    }


_TABLES: Mapping[str, Callable[[Batch, pd.DataFrame], dict[str, pd.DataFrame]]] = {
    "instance_benchmark": _benchmark_tables,
    "recording": recording_tables,
}


def _complete_keys(measurements: pd.DataFrame) -> pd.Series[str]:
    """`complete` for each row whose aggregation key is whole; missing where a part is missing or empty."""
    whole = pd.Series(True, index=measurements.index)
    for name in AGGREGATION_KEY:
        whole &= (measurements[name].notna() & (measurements[name] != "")).fillna(False).astype(bool)
    return pd.Series("complete", index=measurements.index, dtype="string").where(whole)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    # Great Expectations compares with plain floats; pandas' nullable integers make it compare element by element.
    nullable = [
        name for name, dtype in frame.dtypes.items() if pd.api.types.is_extension_array_dtype(dtype) and "Int" in str(dtype)
    ]
    return frame.astype(dict.fromkeys(nullable, "float64"))


def _without_zone(sessions: pd.DataFrame) -> pd.DataFrame:
    # Both are UTC; Great Expectations drops the zone itself, in a way that pandas will not allow for long.
    return sessions.assign(**{name: sessions[name].dt.tz_convert(None) for name in ("started_at", "ended_at")})


def _run(title: str, table: pd.DataFrame, lines: list[Expectation]) -> Any:
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("batch").add_dataframe_asset("table")
    suite = context.suites.add(gx.ExpectationSuite(name=title))
    for line in lines:
        suite.add_expectation(_expectation(gx, line))
    whole = asset.add_batch_definition_whole_dataframe("whole")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=title, data=whole, suite=suite))
    unexpected = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": [name for name in _WHERE if name in table.columns],
    }
    result = definition.run(batch_parameters={"dataframe": table}, result_format=unexpected)
    # Results come sorted by column; the suite's own order is what findings are matched by.
    by_rule = {one.expectation_config.meta["rule"]: one for one in result.results}
    result.results = [by_rule[line.rule] for line in lines]
    return result


def _expectation(gx: Any, line: Expectation) -> Any:
    class_name = "".join(part.capitalize() for part in line.expectation.split("_"))
    kwargs = {name: _NAMED.get(value, value) if isinstance(value, str) else value for name, value in line.kwargs.items()}
    return getattr(gx.expectations, class_name)(**kwargs, meta={"rule": line.rule, "notes": line.says})


def _great_expectations() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # read by the library when it is imported
    import great_expectations

    # Where its own temporary folders lie is no news to an operator.
    for name in ("great_expectations", "great_expectations.data_context.types.base"):  # the second has a level of its own
        logging.getLogger(name).setLevel(logging.WARNING)
    return great_expectations


def _findings(line: Expectation, result: Any, sessions: pd.Series[str]) -> Iterator[tuple[Any, str, str, str, str]]:
    if result.success:
        return
    if result.exception_info.get("raised_exception"):
        raise RuntimeError(f"{line.rule}: {result.exception_info.get('exception_message')}; the suite does not fit the table")
    expected = line.says.rstrip(".")
    rows = result.result.get("unexpected_index_list")
    if rows is None:  # about the table as a whole
        observed = str(result.result.get("observed_value"))[:200]
        for session in sessions:
            yield session, "", observed, expected, f"{line.says} Found {observed}."
        return
    seen: dict[Any, int] = {}
    first: dict[Any, tuple[str, str]] = {}
    for row in rows:
        at = (row["session"], row.get("field", ""))
        seen[at] = seen.get(at, 0) + 1
        if at not in first:
            values = [value for name, value in row.items() if name not in _WHERE]
            first[at] = (str(row["file"]), ", ".join(_shown(value) for value in values))
    for (session, field_), count in seen.items():
        file, value = first[session, field_]
        more = f" in {count} rows" if count > 1 else ""
        about = f"{field_}: " if field_ else ""
        yield session, file, f"{about}{value}", expected, f"{about}{line.says} Found {value}{more}."


def _shown(value: Any) -> str:
    return "nothing" if pd.isna(value) else str(value)[:200]
