"""the machines of the fleet."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "machines",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset that its session is meant for."),
        sa.Column("run", sa.Text(), nullable=False, comment="Name of the run, as in the machine's tags."),
        sa.Column("slot", sa.Text(), nullable=False, comment="Name of the machine in its run, such as `m7i.large-1`."),
        sa.Column(
            "attempt", sa.Integer(), nullable=False, comment="Counts the machines that were started for the same session, from 1."
        ),
        sa.Column(
            "origin",
            sa.Text(),
            nullable=False,
            comment="What the run is called where it was started: DAG and run id; may be empty.",
        ),
        sa.Column("instance_type", sa.Text(), nullable=False, comment="Instance type."),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="planned; not started; launched; booted, running, uploading, uploaded (as its agent reports); stored; "
            "failed, interrupted, lost; ended: it was ended before its session was over.",
        ),
        sa.Column(
            "failure",
            sa.Text(),
            nullable=False,
            comment="Class of the failure, such as QUOTA or LOST; empty where there is none.",
        ),
        sa.Column("says", sa.Text(), nullable=False, comment="Its last report, or why it ended without a session."),
        sa.Column("session", sa.Text(), nullable=True, comment="Session that was stored of it; empty before."),
        sa.Column("region", sa.Text(), nullable=True, comment="Region that it was started in; empty before."),
        sa.Column("zone", sa.Text(), nullable=True, comment="Availability zone that it was started in; empty before."),
        sa.Column("market", sa.Text(), nullable=True, comment="spot or on-demand; empty before it was started."),
        sa.Column(
            "instance_id", sa.Text(), nullable=True, comment="EC2's id of it; never published. Empty before it was started."
        ),
        sa.Column("hourly_price", sa.Double(), nullable=True, comment="USD an hour when it was planned; empty where not known."),
        sa.Column("emulated", sa.Boolean(), nullable=False, comment="Whether another server than Amazon's stood for EC2."),
        sa.Column(
            "planned_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was entered, UTC.",
        ),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True, comment="When it was started, UTC; empty before."),
        sa.Column(
            "deadline",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it must be gone, UTC; empty before it was started.",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When its state or report changed, UTC.",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was known to be gone, UTC; empty while it may run.",
        ),
        sa.CheckConstraint("attempt > 0", name=op.f("machines_attempt_check")),
        sa.CheckConstraint("(instance_id IS NULL) = (launched_at IS NULL)", name=op.f("machines_launched_has_instance_check")),
        sa.CheckConstraint(
            "state IN ('planned', 'not started', 'launched', 'booted', 'running', 'uploading', 'uploaded', "
            "'stored', 'failed', 'interrupted', 'lost', 'ended')",
            name=op.f("machines_state_check"),
        ),
        sa.CheckConstraint("(state = 'stored') = (session IS NOT NULL)", name=op.f("machines_stored_has_session_check")),
        sa.ForeignKeyConstraint(["dataset"], ["assay.datasets.dataset"], name=op.f("machines_datasets_fkey")),
        sa.PrimaryKeyConstraint("dataset", "run", "slot", "attempt", name=op.f("machines_pkey")),
        schema="assay",
        comment="One machine of a run on EC2, from plan to end: how far its session came, and whether the machine is gone.",
    )
    op.create_index(
        "machines_open_index",
        "machines",
        ["region"],
        unique=False,
        schema="assay",
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("machines_open_index", table_name="machines", schema="assay", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("machines", schema="assay")
