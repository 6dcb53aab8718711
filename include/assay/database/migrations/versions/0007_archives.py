"""archives of raw sessions, and what was cleaned because of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the snapshot."),
        sa.Column("snapshot", sa.Text(), nullable=False, comment="Name of the snapshot."),
        sa.Column("place", sa.Text(), nullable=False, comment="Where the archive lies."),
        sa.Column("index_sha256", sa.Text(), nullable=False, comment="SHA-256 of its index.json."),
        sa.Column(
            "sessions",
            sa.Integer(),
            nullable=False,
            comment="Sessions of the snapshot, those in earlier archives included.",
        ),
        sa.Column(
            "verified_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
            comment="When it was read back and proven, UTC.",
        ),
        sa.ForeignKeyConstraint(["dataset"], ["assay.datasets.dataset"], name=op.f("archives_datasets_fkey")),
        sa.PrimaryKeyConstraint("dataset", "snapshot", name=op.f("archives_pkey")),
        schema="assay",
        comment="The archive of a snapshot, entered once it was read back and every hash in it was right.",
    )
    op.create_table(
        "archive_volumes",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the archive."),
        sa.Column("archive", sa.Text(), nullable=False, comment="Snapshot in whose archive it lies."),
        sa.Column("volume", sa.Text(), nullable=False, comment="File name, such as `raw-001.tar.zst`."),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="Size in bytes."),
        sa.Column("sha256", sa.Text(), nullable=False, comment="SHA-256 of the file, hex."),
        sa.Column("content_bytes", sa.BigInteger(), nullable=False, comment="Bytes that it unpacks to."),
        sa.Column("sessions", sa.Integer(), nullable=False, comment="Sessions in it."),
        sa.Column("objects", sa.Integer(), nullable=False, comment="Objects in it, manifests included."),
        sa.CheckConstraint("bytes >= 0 AND content_bytes >= 0", name=op.f("archive_volumes_bytes_check")),
        sa.ForeignKeyConstraint(["dataset"], ["assay.datasets.dataset"], name=op.f("archive_volumes_datasets_fkey")),
        sa.PrimaryKeyConstraint("dataset", "archive", "volume", name=op.f("archive_volumes_pkey")),
        schema="assay",
        comment="A tar of raw sessions in an archive, as it was when it was read back.",
    )
    op.create_table(
        "archived_sessions",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the session."),
        sa.Column("session", sa.Text(), nullable=False, comment="The session."),
        sa.Column("archive", sa.Text(), nullable=False, comment="Snapshot in whose archive it lies."),
        sa.Column("volume", sa.Text(), nullable=False, comment="Volume that holds it."),
        sa.Column(
            "whole",
            sa.Boolean(),
            nullable=False,
            comment="Whether what lay there was what its manifest lists; only then it may go.",
        ),
        sa.Column("objects", sa.Integer(), nullable=False, comment="Its objects in the archive, the manifest included."),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="Their size in bytes."),
        sa.Column(
            "cleaned_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When its raw objects were deleted, UTC; empty while they are there.",
        ),
        sa.Column(
            "restored_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When they were last brought back, UTC; the retention then counts from here.",
        ),
        sa.CheckConstraint("whole OR cleaned_at IS NULL", name=op.f("archived_sessions_cleaned_is_whole_check")),
        sa.ForeignKeyConstraint(
            ["dataset", "archive", "volume"],
            ["assay.archive_volumes.dataset", "assay.archive_volumes.archive", "assay.archive_volumes.volume"],
            name=op.f("archived_sessions_archive_volumes_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["dataset", "session"],
            ["assay.sessions.dataset", "assay.sessions.session"],
            name=op.f("archived_sessions_sessions_fkey"),
        ),
        sa.PrimaryKeyConstraint("dataset", "session", name=op.f("archived_sessions_pkey")),
        schema="assay",
        comment="A session whose raw objects a proven archive holds, and whether they were deleted from raw storage.",
    )
    op.create_index(
        op.f("archived_sessions_dataset_archive_volume_index"),
        "archived_sessions",
        ["dataset", "archive", "volume"],
        schema="assay",
    )


def downgrade() -> None:
    op.drop_table("archived_sessions", schema="assay")
    op.drop_table("archive_volumes", schema="assay")
    op.drop_table("archives", schema="assay")
