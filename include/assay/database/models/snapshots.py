"""What was published, and what went in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.models.sessions import Dataset, SessionRow
from assay.database.words import SnapshotState


class Snapshot(Base):
    """One immutable version of the dataset: one commit, one tag, one manifest."""

    __tablename__ = "snapshots"
    __table_args__ = (
        CheckConstraint(one_of("state", SnapshotState), name="state"),
        CheckConstraint("state = 'building' OR commit <> ''", name="committed_has_commit"),
        Index("snapshots_one_building_index", "dataset", unique=True, postgresql_where="state = 'building'"),
    )

    dataset: Mapped[str] = mapped_column(
        ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset that it is a version of."
    )
    name: Mapped[str] = mapped_column(primary_key=True, comment="Its date, and a number from the second of a day on.")
    state: Mapped[str] = mapped_column(
        comment="building, committed, published once it was read back, or damaged: what was read back is not what was sent."
    )
    content_digest: Mapped[str] = mapped_column(comment="Digest of the documents: the same content is never published twice.")
    manifest_sha256: Mapped[str] = mapped_column(comment="SHA-256 of the snapshot's manifest.json.")
    last_updated: Mapped[datetime | None] = mapped_column(comment="End of the newest session that went in, UTC.")
    target: Mapped[str] = mapped_column(comment="Git repository that it goes to.")
    commit: Mapped[str] = mapped_column(comment="Commit in the target; empty while building.")
    approved_by: Mapped[str] = mapped_column(comment="Who approved it; empty if it needed no approval.")
    fault: Mapped[str] = mapped_column(
        server_default="", comment="What was found when it was read back and was not what was sent; empty if it was."
    )
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was begun, UTC.")
    committed_at: Mapped[datetime | None] = mapped_column(comment="When it was committed, UTC.")
    published_at: Mapped[datetime | None] = mapped_column(comment="When it was read back and found whole, UTC.")


class SnapshotSession(Base):
    """A session that went into a snapshot."""

    __tablename__ = "snapshot_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "name"], [Snapshot.dataset, Snapshot.name], ondelete="CASCADE"),
        ForeignKeyConstraint(["dataset", "session"], [SessionRow.dataset, SessionRow.session]),
        Index(None, "dataset", "session"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of both.")
    name: Mapped[str] = mapped_column(primary_key=True, comment="Name of the snapshot.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session that went in.")
