"""Who was told of a snapshot."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.models.snapshots import Snapshot
from assay.database.words import DeliveryState


class Delivery(Base):
    """The notification about one snapshot over one channel; what failed is tried again by the next run."""

    __tablename__ = "deliveries"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "name"], [Snapshot.dataset, Snapshot.name], ondelete="CASCADE"),
        CheckConstraint(one_of("state", DeliveryState), name="state"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered_has_time"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the snapshot.")
    name: Mapped[str] = mapped_column(primary_key=True, comment="Name of the snapshot.")
    channel: Mapped[str] = mapped_column(primary_key=True, comment="webhook, dispatch (GitHub) or sns.")
    state: Mapped[str] = mapped_column(comment="pending or delivered.")
    attempts: Mapped[int] = mapped_column(Integer, comment="How many runs tried it.")
    error: Mapped[str] = mapped_column(comment="Why the last try failed; empty once delivered.")
    delivered_at: Mapped[datetime | None] = mapped_column(comment="When the other side accepted it, UTC.")
