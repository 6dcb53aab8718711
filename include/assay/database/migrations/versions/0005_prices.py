"""prices of instance types, with their history."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prices",
        sa.Column("region", sa.Text(), nullable=False, comment="AWS region, such as `us-east-1`."),
        sa.Column("instance_type", sa.Text(), nullable=False, comment="Instance type."),
        sa.Column("as_of", sa.Date(), nullable=False, comment="Day of the price list that was the first to say so."),
        sa.Column("last_seen", sa.Date(), nullable=False, comment="Day of the last price list that said the same."),
        sa.Column(
            "hourly_price",
            sa.Float(),
            nullable=True,
            comment="USD an hour, on demand, Linux, shared tenancy (bare metal: its only one); empty where there is none.",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why there is no price; empty where there is one."),
        sa.Column("source", sa.Text(), nullable=False, comment="Who says so."),
        sa.CheckConstraint("hourly_price > 0", name=op.f("prices_hourly_price_check")),
        sa.CheckConstraint("(hourly_price IS NULL) = (reason IS NOT NULL)", name=op.f("prices_reason_check")),
        sa.CheckConstraint("last_seen >= as_of", name=op.f("prices_last_seen_check")),
        sa.PrimaryKeyConstraint("region", "instance_type", "as_of", name=op.f("prices_pkey")),
        schema="assay",
        comment="One price of an instance type in a region, from the day it was first read; a new price is a new row, and all "
        "stay.",
    )


def downgrade() -> None:
    op.drop_table("prices", schema="assay")
