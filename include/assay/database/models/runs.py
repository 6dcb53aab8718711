"""Accounting, run by run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base
from assay.database.models.sessions import Dataset


class Run(Base):
    """One run of an import or of a pipeline, and its accounting, which closes: what was read went somewhere."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("read = already_there + accepted + quarantined + rejected + pending", name="accounting_closes"),
        CheckConstraint("ended_at >= started_at", name="time"),
    )

    dataset: Mapped[str] = mapped_column(ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset that it worked on.")
    run: Mapped[str] = mapped_column(primary_key=True, comment="Name of the run: Airflow's run id, or one of the command line.")
    what: Mapped[str] = mapped_column(comment="What ran, such as `process_sessions` or `import spare-cores`.")
    started_at: Mapped[datetime] = mapped_column(comment="Start, UTC.")
    ended_at: Mapped[datetime] = mapped_column(comment="End, UTC.")
    read: Mapped[int] = mapped_column(Integer, comment="Sessions or files that the run looked at.")
    already_there: Mapped[int] = mapped_column(Integer, comment="Of these, known before.")
    accepted: Mapped[int] = mapped_column(Integer, comment="Of these, accepted, with warnings or without.")
    quarantined: Mapped[int] = mapped_column(Integer, comment="Of these, quarantined.")
    rejected: Mapped[int] = mapped_column(Integer, comment="Of these, rejected: they cannot form a session.")
    pending: Mapped[int] = mapped_column(Integer, comment="Of these, not judged yet when the run ended.")
