"""api_keys, uploads, upload_files and ingest_audit: recordings that labs bring."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key", sa.Text(), nullable=False, comment="Name of the key: the part that is no secret."),
        sa.Column(
            "secret_sha256",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of the secret part, hex. The secret is 256 random bits, so that no slow hash is needed.",
        ),
        sa.Column(
            "lab", sa.Text(), nullable=False, comment="Lab whose sessions it may bring and read: the subject of their manifests."
        ),
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset that its sessions belong to."),
        sa.Column("rights", postgresql.ARRAY(sa.Text()), nullable=False, comment="What it may: `upload`, `read`."),
        sa.Column(
            "networks",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
            comment="Networks (CIDR) that it may be used from; empty: any.",
        ),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False, comment="Requests a minute; more are answered with 429."),
        sa.Column("note", sa.Text(), nullable=False, comment="What it is for."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was made, UTC.",
        ),
        sa.Column(
            "expires_at", sa.DateTime(timezone=True), nullable=True, comment="When it ceases to be valid, UTC; empty: never."
        ),
        sa.Column(
            "revoked_at", sa.DateTime(timezone=True), nullable=True, comment="When it was revoked, UTC; empty while it is valid."
        ),
        sa.Column(
            "next_request",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Up to when its requests are used up at the allowed rate: what the rate limit counts.",
        ),
        sa.CheckConstraint("rights <@ ARRAY['upload', 'read'] AND cardinality(rights) > 0", name=op.f("api_keys_rights_check")),
        sa.CheckConstraint("requests_per_minute > 0", name=op.f("api_keys_requests_per_minute_check")),
        sa.PrimaryKeyConstraint("key", name=op.f("api_keys_pkey")),
        schema="assay",
        comment="One key of the ingestion API: for one lab, with few rights, until it is revoked. Only a hash of it is kept.",
    )
    op.create_table(
        "ingest_audit",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="Order of entry."),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False, comment="When, UTC."),
        sa.Column("key", sa.Text(), nullable=False, comment="API key that was used."),
        sa.Column("lab", sa.Text(), nullable=False, comment="Lab of the key."),
        sa.Column("address", sa.Text(), nullable=False, comment="Address that the request came from."),
        sa.Column(
            "action",
            sa.Text(),
            nullable=False,
            comment="What was asked: token, announce, upload, complete, failure and the like.",
        ),
        sa.Column("session", sa.Text(), nullable=False, comment="Session that it was about; may be empty."),
        sa.Column("outcome", sa.Text(), nullable=False, comment="`done`, or the kind of problem that it was refused with."),
        sa.Column("detail", sa.Text(), nullable=False, comment="What a person should know of it; may be empty."),
        sa.PrimaryKeyConstraint("number", name=op.f("ingest_audit_pkey")),
        schema="assay",
        comment="One thing that was done, or refused, through the ingestion API: who did what, when and from where.",
    )
    op.create_index(op.f("ingest_audit_lab_number_index"), "ingest_audit", ["lab", "number"], unique=False, schema="assay")
    op.create_index(op.f("ingest_audit_session_index"), "ingest_audit", ["session"], unique=False, schema="assay")
    op.create_table(
        "uploads",
        sa.Column("session", sa.Text(), nullable=False, comment="Session id, from the announced manifest."),
        sa.Column("lab", sa.Text(), nullable=False, comment="Lab that brings it."),
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset that it belongs to."),
        sa.Column("key", sa.Text(), nullable=False, comment="API key that announced it."),
        sa.Column(
            "prefix", sa.Text(), nullable=False, comment="Where it lies in raw storage; the day is that of the announcement, UTC."
        ),
        sa.Column("files_digest", sa.Text(), nullable=False, comment="Digest of its files: what makes it this session."),
        sa.Column(
            "manifest",
            sa.Text(),
            nullable=False,
            comment="The manifest as announced; written to raw storage last, byte for byte.",
        ),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="announced, or complete: every file and the manifest lie in raw storage."
        ),
        sa.Column(
            "announced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was announced first, UTC.",
        ),
        sa.Column(
            "completed_at", sa.DateTime(timezone=True), nullable=True, comment="When its manifest was written, UTC; empty before."
        ),
        sa.CheckConstraint("(state = 'complete') = (completed_at IS NOT NULL)", name=op.f("uploads_completed_at_check")),
        sa.CheckConstraint("state IN ('announced', 'complete')", name=op.f("uploads_state_check")),
        sa.ForeignKeyConstraint(["key"], ["assay.api_keys.key"], name=op.f("uploads_api_keys_fkey")),
        sa.PrimaryKeyConstraint("session", name=op.f("uploads_pkey")),
        schema="assay",
        comment="One recording session that a lab announced: on its way, or complete in raw storage.",
    )
    op.create_index(op.f("uploads_lab_state_index"), "uploads", ["lab", "state"], unique=False, schema="assay")
    op.create_table(
        "upload_files",
        sa.Column("session", sa.Text(), nullable=False, comment="Session that the file belongs to."),
        sa.Column("path", sa.Text(), nullable=False, comment="Path within the session's folder."),
        sa.Column("upload", sa.Text(), nullable=False, comment="Id that the store gave to the upload in parts."),
        sa.Column(
            "checksum",
            sa.Text(),
            nullable=True,
            comment="Checksum of the whole that follows from the parts' hashes, as the store writes it; empty until completed.",
        ),
        sa.ForeignKeyConstraint(
            ["session"], ["assay.uploads.session"], name=op.f("upload_files_uploads_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session", "path", name=op.f("upload_files_pkey")),
        schema="assay",
        comment="One large file of an announced session, which goes up in parts.",
    )


def downgrade() -> None:
    op.drop_table("upload_files", schema="assay")
    op.drop_index(op.f("uploads_lab_state_index"), table_name="uploads", schema="assay")
    op.drop_table("uploads", schema="assay")
    op.drop_index(op.f("ingest_audit_session_index"), table_name="ingest_audit", schema="assay")
    op.drop_index(op.f("ingest_audit_lab_number_index"), table_name="ingest_audit", schema="assay")
    op.drop_table("ingest_audit", schema="assay")
    op.drop_table("api_keys", schema="assay")
