"""files of the processed layer that compaction replaced, until they are removed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "loose_batches",
        sa.Column(
            "batch",
            sa.Text(),
            nullable=False,
            comment="File below the layers of processed storage, as in sessions.batch.",
        ),
        sa.Column(
            "noted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it became loose, UTC.",
        ),
        sa.PrimaryKeyConstraint("batch", name=op.f("loose_batches_pkey")),
        schema="assay",
        comment="One Parquet file that compaction replaces or is about to write; it is removed unless a session names it.",
    )
    op.create_index(op.f("sessions_batch_index"), "sessions", ["batch"], schema="assay")


def downgrade() -> None:
    op.drop_index(op.f("sessions_batch_index"), table_name="sessions", schema="assay")
    op.drop_table("loose_batches", schema="assay")
