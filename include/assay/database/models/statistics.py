"""What was computed over the measurements."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base
from assay.database.models.sessions import Dataset
from assay.statistic import says


class Statistic(Base):
    """One statistic: the executions that share an aggregation key, summarized. The table is replaced as a whole."""

    __tablename__ = "statistics"
    __table_args__ = (Index(None, "dataset", "benchmark", "metric", "subject"),)

    dataset: Mapped[str] = mapped_column(ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset that it belongs to.")
    key: Mapped[str] = mapped_column(primary_key=True, comment="SHA-256 over the aggregation key and the unit.")
    subject: Mapped[str] = mapped_column(comment=says("subject"))
    benchmark: Mapped[str] = mapped_column(comment=says("benchmark"))
    metric: Mapped[str] = mapped_column(comment=says("metric"))
    implementation: Mapped[str] = mapped_column(comment=says("implementation"))
    version: Mapped[str] = mapped_column(comment=says("version"))
    threads: Mapped[str] = mapped_column(comment=says("threads"))
    size_policy: Mapped[str] = mapped_column(comment=says("size_policy"))
    build_flags: Mapped[str] = mapped_column(comment=says("build_flags"))
    unit: Mapped[str] = mapped_column(comment=says("unit"))
    n: Mapped[int] = mapped_column(Integer, comment=says("n"))
    sessions: Mapped[int] = mapped_column(Integer, comment=says("sessions"))
    median: Mapped[float | None] = mapped_column(comment=says("median"))
    ci_low: Mapped[float | None] = mapped_column(comment=says("ci_low"))
    ci_high: Mapped[float | None] = mapped_column(comment=says("ci_high"))
    confidence_level: Mapped[float | None] = mapped_column(comment=says("confidence_level"))
    mean: Mapped[float | None] = mapped_column(comment=says("mean"))
    sd: Mapped[float | None] = mapped_column(comment=says("sd"))
    cv: Mapped[float | None] = mapped_column(comment=says("cv"))
    min: Mapped[float | None] = mapped_column(comment=says("min"))
    max: Mapped[float | None] = mapped_column(comment=says("max"))
    p05: Mapped[float | None] = mapped_column(comment=says("p05"))
    p95: Mapped[float | None] = mapped_column(comment=says("p95"))
    quality: Mapped[str | None] = mapped_column(comment=says("quality"))
    cv_within: Mapped[float | None] = mapped_column(comment=says("cv_within"))
    cv_between: Mapped[float | None] = mapped_column(comment=says("cv_between"))
    outliers: Mapped[int] = mapped_column(Integer, comment=says("outliers"))
    outliers_far: Mapped[int] = mapped_column(Integer, comment=says("outliers_far"))
    outliers_mad: Mapped[int] = mapped_column(Integer, comment=says("outliers_mad"))
    summaries: Mapped[int] = mapped_column(Integer, comment=says("summaries"))
    session_ids: Mapped[list[str]] = mapped_column(comment=says("session_ids"))
