"""The table of statistics: one row an aggregation key and unit. Columns, dtypes, units and meaning, defined here alone.

What computes them (`assay.summarize`), the table in PostgreSQL, the Parquet file and the fields of the published documents all
take their words from here. Formulas and sources: docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.measurement import AGGREGATION_KEY, IN_UNIT, MEASUREMENT_COLUMNS

STATISTIC_COLUMNS: Mapping[str, tuple[str, str]] = {
    **{name: MEASUREMENT_COLUMNS[name] for name in AGGREGATION_KEY},
    "unit": ("string", "Unit of every number here that is neither a count nor in percent."),
    "n": ("int64", "Executions behind the numbers here (n)."),
    "sessions": ("int64", "Sessions that the executions come from."),
    "median": ("float64", "Median over the executions: the published value."),
    "ci_low": ("float64", "Lower end of the median's order-statistic interval; empty under 3 executions."),
    "ci_high": ("float64", "Upper end of that interval; empty under 3 executions."),
    "confidence_level": ("float64", "Probability with which such an interval covers the median (0.95: 95 %)."),
    "mean": ("float64", "Arithmetic mean over the executions."),
    "sd": ("float64", "Standard deviation with n - 1; empty under 2 executions."),
    "cv": ("float64", "Coefficient of variation in percent: 100 sd / abs(mean)."),
    "min": ("float64", "Smallest execution."),
    "max": ("float64", "Largest execution."),
    "p05": ("float64", "5th percentile, interpolated linearly."),
    "p95": ("float64", "95th percentile, interpolated linearly."),
    "quality": ("string", "Grade by n, sessions and cv; `metadata.json` defines the grades."),
    "cv_within": ("float64", "Spread within a session in percent of the mean: pooled standard deviation of its executions."),
    "cv_between": ("float64", "Spread between sessions in percent of the mean: standard deviation of the sessions' means."),
    "outliers": ("int64", "Executions beyond 1.5 interquartile ranges from the quartiles (Tukey); they are in every number."),
    "outliers_far": ("int64", "Of those, beyond 3 interquartile ranges."),
    "outliers_mad": ("int64", "Executions further than 3.5 scaled median absolute deviations from the median."),
    "summaries": ("int64", "Executions that are the mean of a summary, because the source gives no more."),
    "session_ids": ("object", "Ids of the sessions that the executions come from, sorted."),
}
"""Columns of the statistics: dtype and meaning."""

STATISTIC_UNITS: Mapping[str, str] = {
    **dict.fromkeys(("median", "ci_low", "ci_high", "mean", "sd", "min", "max", "p05", "p95"), IN_UNIT),
    **dict.fromkeys(("n", "sessions", "outliers", "outliers_far", "outliers_mad", "summaries"), "count"),
    **dict.fromkeys(("cv", "cv_within", "cv_between"), "percent"),
    "confidence_level": "ratio",
}
"""Unit of every column that holds numbers; IN_UNIT: the row's own `unit`."""

PUBLISHED_AS: Mapping[str, str] = {
    "median": "value",
    "unit": "unit",
    "n": "sample_size",
    "sessions": "sessions",
    "implementation": "implementation",
    "session_ids": "sources",
    "ci_low": "confidence_interval",
    "ci_high": "confidence_interval",
    "confidence_level": "confidence_level",
    "mean": "mean",
    "cv": "coefficient_variation",
    "cv_within": "variation_within_sessions",
    "cv_between": "variation_between_sessions",
    "outliers": "outliers",
    "summaries": "summaries",
    "quality": "quality",
}
"""Column -> the field of a published quantity that holds it. The other columns are in statistics.parquet alone."""


def says(column: str) -> str:
    """What a column of the statistics means."""
    return STATISTIC_COLUMNS[column][1]
