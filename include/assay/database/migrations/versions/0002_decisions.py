"""decisions of people about sessions, and the verdict `rejected` that one of them gives."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NAME = "sessions_verdict_check"
_VERDICTS = ("accepted", "accepted with warnings", "quarantined")


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the session."),
        sa.Column("session", sa.Text(), nullable=False, comment="Session that was decided about."),
        sa.Column("number", sa.Integer(), nullable=False, comment="Counts the decisions about a session, from 1."),
        sa.Column(
            "decision", sa.Text(), nullable=False, comment="released (accepted against the rules) or rejected (out for good)."
        ),
        sa.Column("who", sa.Text(), nullable=False, comment="Who decided; never published."),
        sa.Column("why", sa.Text(), nullable=False, comment="The reason that was given."),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was decided, UTC.",
        ),
        sa.CheckConstraint("decision IN ('released', 'rejected')", name=op.f("decisions_decision_check")),
        sa.ForeignKeyConstraint(
            ["dataset", "session"],
            ["assay.sessions.dataset", "assay.sessions.session"],
            name=op.f("decisions_sessions_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset", "session", "number", name=op.f("decisions_pkey")),
        schema="assay",
        comment="One decision of a person about a session; the newest one counts, all of them stay.",
    )
    _replace_verdicts((*_VERDICTS, "rejected"), "accepted, accepted with warnings, quarantined or rejected; empty until judged.")


def downgrade() -> None:
    op.execute("UPDATE assay.sessions SET verdict = 'quarantined' WHERE verdict = 'rejected'")
    _replace_verdicts(_VERDICTS, "accepted, accepted with warnings or quarantined; empty until judged.")
    op.drop_table("decisions", schema="assay")


def _replace_verdicts(words: tuple[str, ...], comment: str) -> None:
    op.drop_constraint(op.f(_NAME), "sessions", schema="assay", type_="check")
    op.create_check_constraint(op.f(_NAME), "sessions", f"verdict IN ({', '.join(map(repr, words))})", schema="assay")
    op.alter_column("sessions", "verdict", comment=comment, existing_type=sa.Text(), schema="assay")
