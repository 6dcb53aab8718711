"""What people decided about sessions, against the rules or beyond them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.models.sessions import SessionRow
from assay.database.words import Decision


class DecisionRow(Base):
    """One decision of a person about a session; the newest one counts, all of them stay."""

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "session"], [SessionRow.dataset, SessionRow.session], ondelete="CASCADE"),
        CheckConstraint(one_of("decision", Decision), name="decision"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the session.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session that was decided about.")
    number: Mapped[int] = mapped_column(Integer, primary_key=True, comment="Counts the decisions about a session, from 1.")
    decision: Mapped[str] = mapped_column(comment="released (accepted against the rules) or rejected (out for good).")
    who: Mapped[str] = mapped_column(comment="Who decided; never published.")
    why: Mapped[str] = mapped_column(comment="The reason that was given.")
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was decided, UTC.")
