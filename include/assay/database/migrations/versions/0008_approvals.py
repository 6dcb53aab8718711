"""approvals, damaged snapshots, and who was told."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATE = "snapshots_state_check"


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the snapshot."),
        sa.Column("content_digest", sa.Text(), nullable=False, comment="Digest of the content that was asked about."),
        sa.Column("since", sa.Text(), nullable=False, comment="Snapshot that it was compared with; empty for the first."),
        sa.Column("number", sa.Integer(), nullable=False, comment="Counts the answers to the same question, from 1."),
        sa.Column(
            "answer", sa.Text(), nullable=False, comment="approved, refused, or expired: nobody answered in time, which means no."
        ),
        sa.Column("who", sa.Text(), nullable=False, comment="Who answered; never published. Empty where nobody did."),
        sa.Column(
            "signed_as", sa.Text(), nullable=False, comment="The name that the commit gives; empty where none was given for it."
        ),
        sa.Column("why", sa.Text(), nullable=False, comment="Why it was asked."),
        sa.Column(
            "answered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was answered, UTC.",
        ),
        sa.CheckConstraint("answer IN ('approved', 'refused', 'expired')", name=op.f("approvals_answer_check")),
        sa.ForeignKeyConstraint(["dataset"], ["assay.datasets.dataset"], name=op.f("approvals_datasets_fkey")),
        sa.PrimaryKeyConstraint("dataset", "content_digest", "since", "number", name=op.f("approvals_pkey")),
        schema="assay",
        comment="One answer to the question whether a content may be published in place of a snapshot; the newest counts, all "
        "stay.",
    )
    op.create_table(
        "deliveries",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the snapshot."),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the snapshot."),
        sa.Column("channel", sa.Text(), nullable=False, comment="webhook, dispatch (GitHub) or sns."),
        sa.Column("state", sa.Text(), nullable=False, comment="pending or delivered."),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="How many runs tried it."),
        sa.Column("error", sa.Text(), nullable=False, comment="Why the last try failed; empty once delivered."),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True, comment="When the other side accepted it, UTC."),
        sa.CheckConstraint("state IN ('pending', 'delivered')", name=op.f("deliveries_state_check")),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("deliveries_delivered_has_time_check")
        ),
        sa.ForeignKeyConstraint(
            ["dataset", "name"],
            ["assay.snapshots.dataset", "assay.snapshots.name"],
            name=op.f("deliveries_snapshots_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset", "name", "channel", name=op.f("deliveries_pkey")),
        schema="assay",
        comment="The notification about one snapshot over one channel; what failed is tried again by the next run.",
    )
    op.drop_constraint(op.f(STATE), "snapshots", schema="assay", type_="check")
    op.create_check_constraint(
        op.f(STATE), "snapshots", "state IN ('building', 'committed', 'published', 'damaged')", schema="assay"
    )
    op.add_column(
        "snapshots",
        sa.Column(
            "fault",
            sa.Text(),
            nullable=False,
            server_default="",
            comment="What was found when it was read back and was not what was sent; empty if it was.",
        ),
        schema="assay",
    )
    op.alter_column(
        "snapshots",
        "state",
        schema="assay",
        existing_type=sa.Text(),
        existing_nullable=False,
        existing_comment="building, committed, or published once it was read back.",
        comment="building, committed, published once it was read back, or damaged: what was read back is not what was sent.",
    )


def downgrade() -> None:
    op.alter_column(
        "snapshots",
        "state",
        schema="assay",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="building, committed, or published once it was read back.",
    )
    op.drop_column("snapshots", "fault", schema="assay")
    op.execute("UPDATE assay.snapshots SET state = 'committed' WHERE state = 'damaged'")
    op.drop_constraint(op.f(STATE), "snapshots", schema="assay", type_="check")
    op.create_check_constraint(op.f(STATE), "snapshots", "state IN ('building', 'committed', 'published')", schema="assay")
    op.drop_table("deliveries", schema="assay")
    op.drop_table("approvals", schema="assay")
