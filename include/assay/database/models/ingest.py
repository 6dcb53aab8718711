"""Who may bring recordings, what is on its way, and who did what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.words import UploadState


class ApiKeyRow(Base):
    """One key of the ingestion API: for one lab, with few rights, until it is revoked. Only a hash of it is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("rights <@ ARRAY['upload', 'read'] AND cardinality(rights) > 0", name="rights"),
        CheckConstraint("requests_per_minute > 0", name="requests_per_minute"),
    )

    key: Mapped[str] = mapped_column(primary_key=True, comment="Name of the key: the part that is no secret.")
    secret_sha256: Mapped[str] = mapped_column(
        comment="SHA-256 of the secret part, hex. The secret is 256 random bits, so that no slow hash is needed."
    )
    lab: Mapped[str] = mapped_column(comment="Lab whose sessions it may bring and read: the subject of their manifests.")
    dataset: Mapped[str] = mapped_column(comment="Dataset that its sessions belong to.")
    rights: Mapped[list[str]] = mapped_column(comment="What it may: `upload`, `read`.")
    networks: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'::text[]"), comment="Networks (CIDR) that it may be used from; empty: any."
    )
    requests_per_minute: Mapped[int] = mapped_column(comment="Requests a minute; more are answered with 429.")
    note: Mapped[str] = mapped_column(comment="What it is for.")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was made, UTC.")
    expires_at: Mapped[datetime | None] = mapped_column(comment="When it ceases to be valid, UTC; empty: never.")
    revoked_at: Mapped[datetime | None] = mapped_column(comment="When it was revoked, UTC; empty while it is valid.")
    next_request: Mapped[datetime] = mapped_column(
        server_default=func.now(), comment="Up to when its requests are used up at the allowed rate: what the rate limit counts."
    )


class UploadRow(Base):
    """One recording session that a lab announced: on its way, or complete in raw storage."""

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint(one_of("state", UploadState), name="state"),
        CheckConstraint("(state = 'complete') = (completed_at IS NOT NULL)", name="completed_at"),
        Index(None, "lab", "state"),
    )

    session: Mapped[str] = mapped_column(primary_key=True, comment="Session id, from the announced manifest.")
    lab: Mapped[str] = mapped_column(comment="Lab that brings it.")
    dataset: Mapped[str] = mapped_column(comment="Dataset that it belongs to.")
    key: Mapped[str] = mapped_column(ForeignKey(ApiKeyRow.key), comment="API key that announced it.")
    prefix: Mapped[str] = mapped_column(comment="Where it lies in raw storage; the day is that of the announcement, UTC.")
    files_digest: Mapped[str] = mapped_column(comment="Digest of its files: what makes it this session.")
    manifest: Mapped[str] = mapped_column(comment="The manifest as announced; written to raw storage last, byte for byte.")
    state: Mapped[str] = mapped_column(comment="announced, or complete: every file and the manifest lie in raw storage.")
    announced_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was announced first, UTC.")
    completed_at: Mapped[datetime | None] = mapped_column(comment="When its manifest was written, UTC; empty before.")


class UploadFileRow(Base):
    """One large file of an announced session, which goes up in parts."""

    __tablename__ = "upload_files"

    session: Mapped[str] = mapped_column(
        ForeignKey(UploadRow.session, ondelete="CASCADE"), primary_key=True, comment="Session that the file belongs to."
    )
    path: Mapped[str] = mapped_column(primary_key=True, comment="Path within the session's folder.")
    upload: Mapped[str] = mapped_column(comment="Id that the store gave to the upload in parts.")
    checksum: Mapped[str | None] = mapped_column(
        comment="Checksum of the whole that follows from the parts' hashes, as the store writes it; empty until completed."
    )


class IngestAuditRow(Base):
    """One thing that was done, or refused, through the ingestion API: who did what, when and from where."""

    __tablename__ = "ingest_audit"
    __table_args__ = (Index(None, "lab", "number"), Index(None, "session"))

    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="Order of entry.")
    at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When, UTC.")
    key: Mapped[str] = mapped_column(comment="API key that was used.")
    lab: Mapped[str] = mapped_column(comment="Lab of the key.")
    address: Mapped[str] = mapped_column(comment="Address that the request came from.")
    action: Mapped[str] = mapped_column(comment="What was asked: token, announce, upload, complete, failure and the like.")
    session: Mapped[str] = mapped_column(comment="Session that it was about; may be empty.")
    outcome: Mapped[str] = mapped_column(comment="`done`, or the kind of problem that it was refused with.")
    detail: Mapped[str] = mapped_column(comment="What a person should know of it; may be empty.")
