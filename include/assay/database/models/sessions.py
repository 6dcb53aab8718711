"""Datasets, their sessions, and the raw files of each session."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.words import State, Verdict


class Dataset(Base):
    """A dataset: what is published together under one licence."""

    __tablename__ = "datasets"

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Name of the dataset.")
    licence: Mapped[str | None] = mapped_column(comment="Licence of everything in it; empty until the first session fixes it.")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When the dataset was made, UTC.")


class SessionRow(Base):
    """One measurement session and where it stands on its path."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint(one_of("state", State), name="state"),
        CheckConstraint(one_of("verdict", Verdict), name="verdict"),
        CheckConstraint("(state = 'judged') = (verdict IS NOT NULL)", name="judged_has_verdict"),
        CheckConstraint("ended_at >= started_at", name="time"),
        Index("sessions_pending_index", "dataset", "state", postgresql_where="state <> 'judged'"),
        Index(None, "dataset", "verdict"),
        Index(None, "dataset", "kind", "started_at"),
        Index(None, "dataset", "run"),
        Index(None, "batch"),
    )

    dataset: Mapped[str] = mapped_column(ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset it belongs to.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session id: UTC start time and a digest of the raw files.")
    kind: Mapped[str] = mapped_column(comment="What was recorded, such as `instance_benchmark`.")
    subject: Mapped[str] = mapped_column(comment="What was measured: an instance type or a host label.")
    state: Mapped[str] = mapped_column(server_default=State.ARRIVED.value, comment="arrived, verified, read or judged.")
    verdict: Mapped[str | None] = mapped_column(
        comment="accepted, accepted with warnings, quarantined or rejected; empty until judged."
    )
    started_at: Mapped[datetime] = mapped_column(comment="Start, UTC, from the manifest.")
    ended_at: Mapped[datetime] = mapped_column(comment="End, UTC, from the manifest.")
    source: Mapped[str] = mapped_column(comment="Who made the session: our agent, or a public source.")
    source_version: Mapped[str] = mapped_column(comment="Version of the source.")
    licence: Mapped[str] = mapped_column(comment="Licence of the session's data.")
    attribution: Mapped[str] = mapped_column(comment="Credit that goes with the session's data.")
    url: Mapped[str] = mapped_column(comment="Where the source is described; may be empty.")
    source_file: Mapped[str] = mapped_column(comment="File that the session was imported from; empty if it was measured here.")
    prefix: Mapped[str] = mapped_column(comment="Where the session lies in raw storage.")
    manifest_sha256: Mapped[str] = mapped_column(comment="SHA-256 of the manifest as stored.")
    files_digest: Mapped[str] = mapped_column(comment="Digest of the raw files: what makes it this session.")
    labels: Mapped[dict[str, Any]] = mapped_column(comment="Labels from the manifest.")
    batch: Mapped[str | None] = mapped_column(comment="Parquet file that holds its measurements; empty until read.")
    profile: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb"), comment="What the session says of its machine, as read."
    )
    run: Mapped[str] = mapped_column(comment="Run that registered the session; may be empty.")
    registered_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was registered, UTC.")
    changed_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), comment="When its state or verdict last changed, UTC."
    )


class RawFileRow(Base):
    """One raw file of a session, as its manifest lists it."""

    __tablename__ = "raw_files"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "session"], [SessionRow.dataset, SessionRow.session], ondelete="CASCADE"),
        CheckConstraint("size >= 0", name="size"),
        Index(None, "sha256"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the session.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session that the file belongs to.")
    path: Mapped[str] = mapped_column(primary_key=True, comment="Path within the session's folder.")
    size: Mapped[int] = mapped_column(BigInteger, comment="Size in bytes.")
    sha256: Mapped[str] = mapped_column(comment="SHA-256 of the content, hex.")
