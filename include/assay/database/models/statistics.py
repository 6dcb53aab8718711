"""What was computed over the measurements."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base
from assay.database.models.sessions import Dataset


class Statistic(Base):
    """One statistic: the executions that share an aggregation key, summarized. The table is replaced as a whole."""

    __tablename__ = "statistics"
    __table_args__ = (Index(None, "dataset", "benchmark", "metric", "subject"),)

    dataset: Mapped[str] = mapped_column(ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset that it belongs to.")
    key: Mapped[str] = mapped_column(primary_key=True, comment="SHA-256 over the aggregation key and the unit.")
    subject: Mapped[str] = mapped_column(comment="What was measured: an instance type or a host label.")
    benchmark: Mapped[str] = mapped_column(comment="Benchmark, such as `stream`.")
    metric: Mapped[str] = mapped_column(comment="Metric within the benchmark, such as `triad_bandwidth`.")
    implementation: Mapped[str] = mapped_column(comment="Program that gave the numbers.")
    version: Mapped[str] = mapped_column(comment="Version of that program.")
    threads: Mapped[str] = mapped_column(comment="Thread mode: all, one or unknown.")
    size_policy: Mapped[str] = mapped_column(comment="How the problem size was chosen.")
    build_flags: Mapped[str] = mapped_column(comment="Compiler and flags.")
    unit: Mapped[str] = mapped_column(comment="Unit of every number in this row that is neither a count nor a share.")
    n: Mapped[int] = mapped_column(Integer, comment="Executions.")
    sessions: Mapped[int] = mapped_column(Integer, comment="Sessions that the executions come from.")
    median: Mapped[float | None] = mapped_column(comment="Median over executions.")
    ci_low: Mapped[float | None] = mapped_column(comment="Lower end of the interval of the median; empty under n = 3.")
    ci_high: Mapped[float | None] = mapped_column(comment="Upper end of the interval of the median; empty under n = 3.")
    confidence_level: Mapped[float | None] = mapped_column(comment="Confidence level of the interval, 0 to 1.")
    mean: Mapped[float | None] = mapped_column(comment="Arithmetic mean.")
    sd: Mapped[float | None] = mapped_column(comment="Standard deviation with n - 1; empty under n = 2.")
    cv: Mapped[float | None] = mapped_column(comment="Coefficient of variation in percent.")
    min: Mapped[float | None] = mapped_column(comment="Smallest value.")
    max: Mapped[float | None] = mapped_column(comment="Largest value.")
    p05: Mapped[float | None] = mapped_column(comment="5th percentile.")
    p95: Mapped[float | None] = mapped_column(comment="95th percentile.")
    quality: Mapped[str | None] = mapped_column(comment="Quality grade by n and CV.")
    cv_within: Mapped[float | None] = mapped_column(comment="Spread within a session, in percent of the mean.")
    cv_between: Mapped[float | None] = mapped_column(comment="Spread between sessions, in percent of the mean.")
    outliers: Mapped[int] = mapped_column(
        Integer, comment="Executions beyond 1.5 interquartile ranges; they count in every number."
    )
    outliers_far: Mapped[int] = mapped_column(Integer, comment="Of those, beyond 3 interquartile ranges.")
    outliers_mad: Mapped[int] = mapped_column(Integer, comment="Executions beyond 3.5 scaled median absolute deviations.")
    summaries: Mapped[int] = mapped_column(Integer, comment="Executions of which the source gives only a summary.")
    session_ids: Mapped[list[str]] = mapped_column(comment="Sessions that contributed, in order.")
