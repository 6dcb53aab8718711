"""Archives of raw sessions: proven by reading them back, and what was deleted from raw storage because of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base
from assay.database.models.sessions import Dataset, SessionRow


class ArchiveRow(Base):
    """The archive of a snapshot, entered once it was read back and every hash in it was right."""

    __tablename__ = "archives"

    dataset: Mapped[str] = mapped_column(ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset of the snapshot.")
    snapshot: Mapped[str] = mapped_column(primary_key=True, comment="Name of the snapshot.")
    place: Mapped[str] = mapped_column(comment="Where the archive lies.")
    index_sha256: Mapped[str] = mapped_column(comment="SHA-256 of its index.json.")
    sessions: Mapped[int] = mapped_column(Integer, comment="Sessions of the snapshot, those in earlier archives included.")
    verified_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was read back and proven, UTC.")


class ArchiveVolume(Base):
    """A tar of raw sessions in an archive, as it was when it was read back."""

    __tablename__ = "archive_volumes"
    __table_args__ = (CheckConstraint("bytes >= 0 AND content_bytes >= 0", name="bytes"),)

    dataset: Mapped[str] = mapped_column(ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset of the archive.")
    archive: Mapped[str] = mapped_column(primary_key=True, comment="Snapshot in whose archive it lies.")
    volume: Mapped[str] = mapped_column(primary_key=True, comment="File name, such as `raw-001.tar.zst`.")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="Size in bytes.")
    sha256: Mapped[str] = mapped_column(comment="SHA-256 of the file, hex.")
    content_bytes: Mapped[int] = mapped_column(BigInteger, comment="Bytes that it unpacks to.")
    sessions: Mapped[int] = mapped_column(Integer, comment="Sessions in it.")
    objects: Mapped[int] = mapped_column(Integer, comment="Objects in it, manifests included.")


class ArchivedSession(Base):
    """A session whose raw objects a proven archive holds, and whether they were deleted from raw storage."""

    __tablename__ = "archived_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "session"], [SessionRow.dataset, SessionRow.session]),
        ForeignKeyConstraint(
            ["dataset", "archive", "volume"], [ArchiveVolume.dataset, ArchiveVolume.archive, ArchiveVolume.volume]
        ),
        CheckConstraint("whole OR cleaned_at IS NULL", name="cleaned_is_whole"),
        Index(None, "dataset", "archive", "volume"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the session.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="The session.")
    archive: Mapped[str] = mapped_column(comment="Snapshot in whose archive it lies.")
    volume: Mapped[str] = mapped_column(comment="Volume that holds it.")
    whole: Mapped[bool] = mapped_column(comment="Whether what lay there was what its manifest lists; only then it may go.")
    objects: Mapped[int] = mapped_column(Integer, comment="Its objects in the archive, the manifest included.")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="Their size in bytes.")
    cleaned_at: Mapped[datetime | None] = mapped_column(
        comment="When its raw objects were deleted, UTC; empty while they are there."
    )
    restored_at: Mapped[datetime | None] = mapped_column(
        comment="When they were last brought back, UTC; the retention then counts from here."
    )
