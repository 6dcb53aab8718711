"""comments of the statistics say the same as the columns of the published tables: both are written once, in assay.statistic."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "float64": sa.Double(),
    "int64": sa.Integer(),
    "string": sa.Text(),
    "object": sa.ARRAY(sa.Text()),
}

_CHANGED: dict[str, tuple[str, str, str]] = {
    "benchmark": (
        "string",
        "Benchmark, such as `stream`.",
        "Benchmark, such as `stream`, `hpl` or `cache_latency`.",
    ),
    "implementation": (
        "string",
        "Program that gave the numbers.",
        "Program that gave the number.",
    ),
    "threads": (
        "string",
        "Thread mode: all, one or unknown.",
        "Thread mode: `all`, `one`, a count, or `unknown`.",
    ),
    "size_policy": (
        "string",
        "How the problem size was chosen.",
        "How the problem size was chosen, such as `4x-llc`.",
    ),
    "build_flags": (
        "string",
        "Compiler and flags.",
        "Compiler and flags, where the program was built for the run.",
    ),
    "unit": (
        "string",
        "Unit of every number in this row that is neither a count nor a share.",
        "Unit of every number here that is neither a count nor in percent.",
    ),
    "n": (
        "int64",
        "Executions.",
        "Executions behind the numbers here (n).",
    ),
    "median": (
        "float64",
        "Median over executions.",
        "Median over the executions: the published value.",
    ),
    "ci_low": (
        "float64",
        "Lower end of the interval of the median; empty under n = 3.",
        "Lower end of the median's order-statistic interval; empty under 3 executions.",
    ),
    "ci_high": (
        "float64",
        "Upper end of the interval of the median; empty under n = 3.",
        "Upper end of that interval; empty under 3 executions.",
    ),
    "confidence_level": (
        "float64",
        "Confidence level of the interval, 0 to 1.",
        "Probability with which such an interval covers the median (0.95: 95 %).",
    ),
    "mean": (
        "float64",
        "Arithmetic mean.",
        "Arithmetic mean over the executions.",
    ),
    "sd": (
        "float64",
        "Standard deviation with n - 1; empty under n = 2.",
        "Standard deviation with n - 1; empty under 2 executions.",
    ),
    "cv": (
        "float64",
        "Coefficient of variation in percent.",
        "Coefficient of variation in percent: 100 sd / abs(mean).",
    ),
    "min": (
        "float64",
        "Smallest value.",
        "Smallest execution.",
    ),
    "max": (
        "float64",
        "Largest value.",
        "Largest execution.",
    ),
    "p05": (
        "float64",
        "5th percentile.",
        "5th percentile, interpolated linearly.",
    ),
    "p95": (
        "float64",
        "95th percentile.",
        "95th percentile, interpolated linearly.",
    ),
    "quality": (
        "string",
        "Quality grade by n and CV.",
        "Grade by n, sessions and cv; `metadata.json` defines the grades.",
    ),
    "cv_within": (
        "float64",
        "Spread within a session, in percent of the mean.",
        "Spread within a session in percent of the mean: pooled standard deviation of its executions.",
    ),
    "cv_between": (
        "float64",
        "Spread between sessions, in percent of the mean.",
        "Spread between sessions in percent of the mean: standard deviation of the sessions' means.",
    ),
    "outliers": (
        "int64",
        "Executions beyond 1.5 interquartile ranges; they count in every number.",
        "Executions beyond 1.5 interquartile ranges from the quartiles (Tukey); they are in every number.",
    ),
    "outliers_mad": (
        "int64",
        "Executions beyond 3.5 scaled median absolute deviations.",
        "Executions further than 3.5 scaled median absolute deviations from the median.",
    ),
    "summaries": (
        "int64",
        "Executions of which the source gives only a summary.",
        "Executions that are the mean of a summary, because the source gives no more.",
    ),
    "session_ids": (
        "object",
        "Sessions that contributed, in order.",
        "Ids of the sessions that the executions come from, sorted.",
    ),
}
"""Column -> kind, the comment before, the comment now."""


def upgrade() -> None:
    for column, (kind, _, now) in _CHANGED.items():
        op.alter_column("statistics", column, comment=now, existing_type=_TYPES[kind], schema="assay")


def downgrade() -> None:
    for column, (kind, before, _) in _CHANGED.items():
        op.alter_column("statistics", column, comment=before, existing_type=_TYPES[kind], schema="assay")
