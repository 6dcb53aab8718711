"""What the rules found, and what could not become a session."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.models.sessions import Dataset, SessionRow
from assay.database.words import SEVERITIES, STAGES


class Finding(Base):
    """One thing that a rule found in a session: a warning, or a reason for quarantine."""

    __tablename__ = "findings"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "session"], [SessionRow.dataset, SessionRow.session], ondelete="CASCADE"),
        CheckConstraint(one_of("stage", STAGES), name="stage"),
        CheckConstraint(one_of("severity", SEVERITIES), name="severity"),
        Index(None, "dataset", "rule"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the session.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session that it was found in.")
    stage: Mapped[str] = mapped_column(primary_key=True, comment="Where it was found: verify, read, check or preprocess.")
    number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="Counts the findings of a stage in a session, from 0.")
    rule: Mapped[str] = mapped_column(comment="Stable id of the rule.")
    severity: Mapped[str] = mapped_column(comment="warning or quarantine.")
    file: Mapped[str] = mapped_column(comment="Raw file that it is about; may be empty.")
    value: Mapped[str] = mapped_column(comment="What was found.")
    expected: Mapped[str] = mapped_column(comment="What was expected.")
    message: Mapped[str] = mapped_column(comment="The sentence for a person.")


class Rejection(Base):
    """Bytes that cannot form a session, decided when they were imported or uploaded."""

    __tablename__ = "rejections"
    __table_args__ = (Index(None, "dataset", "run"),)

    dataset: Mapped[str] = mapped_column(
        ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset that they were meant for."
    )
    digest: Mapped[str] = mapped_column(primary_key=True, comment="SHA-256 over both: the same input counts once.")
    source_file: Mapped[str] = mapped_column(comment="File or object that they came from.")
    sha256: Mapped[str] = mapped_column(comment="SHA-256 of the bytes, hex.")
    reason: Mapped[str] = mapped_column(comment="Why they cannot form a session.")
    run: Mapped[str] = mapped_column(comment="Run that rejected them; may be empty.")
    rejected_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When they were rejected, UTC.")
