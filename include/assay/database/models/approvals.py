"""What people answered when they were asked whether a snapshot may be published."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.models.sessions import Dataset
from assay.database.words import Answer


class Approval(Base):
    """One answer to the question whether a content may be published in place of a snapshot; the newest counts, all stay."""

    __tablename__ = "approvals"
    __table_args__ = (CheckConstraint(one_of("answer", Answer), name="answer"),)

    dataset: Mapped[str] = mapped_column(ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset of the snapshot.")
    content_digest: Mapped[str] = mapped_column(primary_key=True, comment="Digest of the content that was asked about.")
    since: Mapped[str] = mapped_column(primary_key=True, comment="Snapshot that it was compared with; empty for the first.")
    number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="Counts the answers to the same question, from 1.")
    answer: Mapped[str] = mapped_column(comment="approved, refused, or expired: nobody answered in time, which means no.")
    who: Mapped[str] = mapped_column(comment="Who answered; never published. Empty where nobody did.")
    signed_as: Mapped[str] = mapped_column(comment="The name that the commit gives; empty where none was given for it.")
    why: Mapped[str] = mapped_column(comment="Why it was asked.")
    answered_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was answered, UTC.")
