"""What is known of recording sessions beyond every session's row: metadata variables, and what processors made of the files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.models.sessions import SessionRow
from assay.database.words import ProcessingState


class VariableRow(Base):
    """One metadata variable of a recording session, typed by its lab's schema; unknown keys are here too, as text."""

    __tablename__ = "variables"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "session"], [SessionRow.dataset, SessionRow.session], ondelete="CASCADE"),
        CheckConstraint("numeric OR number IS NULL", name="number"),
        Index("variables_number_index", "dataset", "name", "number", "session", postgresql_where=text("number IS NOT NULL")),
        # A value may be longer than a row of an index.
        Index("variables_text_index", "dataset", "name", text('"left"(text, 100)'), "session"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the session.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session that it describes.")
    name: Mapped[str] = mapped_column(primary_key=True, comment="Name in lower case, such as `hardware_model`.")
    lab: Mapped[str] = mapped_column(comment="Lab whose schema it is typed by.")
    schema: Mapped[str] = mapped_column(comment="Schema and version, such as `sleep-lab/v2`; empty where the lab has none.")
    numeric: Mapped[bool] = mapped_column(comment="Whether the schema says that it is a number.")
    number: Mapped[float | None] = mapped_column(comment="The number; empty for a text, and where the text is no number.")
    text: Mapped[str] = mapped_column(comment="The value as it was written.")
    unit: Mapped[str] = mapped_column(comment="Unit of the number, from the schema; `1` for a count or a level.")
    known: Mapped[bool] = mapped_column(comment="Whether the schema has it; an unknown key is kept and flagged.")


class ProcessingRow(Base):
    """One raw file of a recording session and what one version of a processor did with it."""

    __tablename__ = "processing"
    __table_args__ = (
        ForeignKeyConstraint(["dataset", "session"], [SessionRow.dataset, SessionRow.session], ondelete="CASCADE"),
        CheckConstraint(one_of("state", ProcessingState), name="state"),
        CheckConstraint("(state = 'failed') = (reason <> '')", name="reason"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the session.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session that the file belongs to.")
    path: Mapped[str] = mapped_column(primary_key=True, comment="Raw file: its path within the session's folder.")
    processor: Mapped[str] = mapped_column(primary_key=True, comment="Name of the processor, such as `edf`.")
    version: Mapped[str] = mapped_column(primary_key=True, comment="Version of the processor.")
    input_sha256: Mapped[str] = mapped_column(comment="SHA-256 of the raw file as it was read, hex.")
    state: Mapped[str] = mapped_column(comment="done, or failed: the session is in quarantine with the reason.")
    reason: Mapped[str] = mapped_column(comment="Why it failed; empty where it did not.")
    flags: Mapped[list[str]] = mapped_column(comment="What a person should know of it, such as `copied` or `gaps`.")
    facts: Mapped[dict[str, Any]] = mapped_column(
        comment="What the processor found: signals, rates, units, gaps, clipped samples."
    )
    processed_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was processed, UTC.")


class ProcessedFileRow(Base):
    """One file that a processor made; it leads back through its row in `processing` to the SHA-256 of its input."""

    __tablename__ = "processed_files"
    __table_args__ = (
        ForeignKeyConstraint(
            ["dataset", "session", "path", "processor", "version"],
            [
                ProcessingRow.dataset,
                ProcessingRow.session,
                ProcessingRow.path,
                ProcessingRow.processor,
                ProcessingRow.version,
            ],
            ondelete="CASCADE",
        ),
        CheckConstraint("size >= 0", name="size"),
        Index(None, "sha256"),
    )

    dataset: Mapped[str] = mapped_column(primary_key=True, comment="Dataset of the session.")
    session: Mapped[str] = mapped_column(primary_key=True, comment="Session that it was made from.")
    path: Mapped[str] = mapped_column(primary_key=True, comment="Raw file that it was made from.")
    processor: Mapped[str] = mapped_column(primary_key=True, comment="Name of the processor.")
    version: Mapped[str] = mapped_column(primary_key=True, comment="Version of the processor.")
    key: Mapped[str] = mapped_column(primary_key=True, comment="Where it lies in processed storage.")
    media_type: Mapped[str] = mapped_column(comment="What it is, such as `application/vnd.apache.parquet` or `image/png`.")
    size: Mapped[int] = mapped_column(BigInteger, comment="Size in bytes.")
    sha256: Mapped[str] = mapped_column(comment="SHA-256 of the content, hex.")
