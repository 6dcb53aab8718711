"""Files of the processed layer that are to go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base


class LooseBatch(Base):
    """One Parquet file that compaction replaces or is about to write; it is removed unless a session names it."""

    __tablename__ = "loose_batches"

    batch: Mapped[str] = mapped_column(
        primary_key=True, comment="File below the layers of processed storage, as in sessions.batch."
    )
    noted_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it became loose, UTC.")
