"""metadata variables of recording sessions, and what processors made of their files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "processing",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the session."),
        sa.Column("session", sa.Text(), nullable=False, comment="Session that the file belongs to."),
        sa.Column("path", sa.Text(), nullable=False, comment="Raw file: its path within the session's folder."),
        sa.Column("processor", sa.Text(), nullable=False, comment="Name of the processor, such as `edf`."),
        sa.Column("version", sa.Text(), nullable=False, comment="Version of the processor."),
        sa.Column("input_sha256", sa.Text(), nullable=False, comment="SHA-256 of the raw file as it was read, hex."),
        sa.Column("state", sa.Text(), nullable=False, comment="done, or failed: the session is in quarantine with the reason."),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why it failed; empty where it did not."),
        sa.Column(
            "flags",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="What a person should know of it, such as `copied` or `gaps`.",
        ),
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="What the processor found: signals, rates, units, gaps, clipped samples.",
        ),
        sa.Column(
            "processed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was processed, UTC.",
        ),
        sa.CheckConstraint("(state = 'failed') = (reason <> '')", name=op.f("processing_reason_check")),
        sa.CheckConstraint("state IN ('done', 'failed')", name=op.f("processing_state_check")),
        sa.ForeignKeyConstraint(
            ["dataset", "session"],
            ["assay.sessions.dataset", "assay.sessions.session"],
            name=op.f("processing_sessions_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset", "session", "path", "processor", "version", name=op.f("processing_pkey")),
        schema="assay",
        comment="One raw file of a recording session and what one version of a processor did with it.",
    )
    op.create_table(
        "variables",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the session."),
        sa.Column("session", sa.Text(), nullable=False, comment="Session that it describes."),
        sa.Column("name", sa.Text(), nullable=False, comment="Name in lower case, such as `hardware_model`."),
        sa.Column("lab", sa.Text(), nullable=False, comment="Lab whose schema it is typed by."),
        sa.Column(
            "schema",
            sa.Text(),
            nullable=False,
            comment="Schema and version, such as `sleep-lab/v2`; empty where the lab has none.",
        ),
        sa.Column("numeric", sa.Boolean(), nullable=False, comment="Whether the schema says that it is a number."),
        sa.Column("number", sa.Double(), nullable=True, comment="The number; empty for a text, and where the text is no number."),
        sa.Column("text", sa.Text(), nullable=False, comment="The value as it was written."),
        sa.Column("unit", sa.Text(), nullable=False, comment="Unit of the number, from the schema; `1` for a count or a level."),
        sa.Column(
            "known", sa.Boolean(), nullable=False, comment="Whether the schema has it; an unknown key is kept and flagged."
        ),
        sa.CheckConstraint("numeric OR number IS NULL", name=op.f("variables_number_check")),
        sa.ForeignKeyConstraint(
            ["dataset", "session"],
            ["assay.sessions.dataset", "assay.sessions.session"],
            name=op.f("variables_sessions_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset", "session", "name", name=op.f("variables_pkey")),
        schema="assay",
        comment="One metadata variable of a recording session, typed by its lab's schema; unknown keys are here too, as text.",
    )
    op.create_index(
        "variables_number_index",
        "variables",
        ["dataset", "name", "number", "session"],
        unique=False,
        schema="assay",
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(
        "variables_text_index",
        "variables",
        ["dataset", "name", sa.literal_column('"left"(text, 100)'), "session"],
        unique=False,
        schema="assay",
    )
    op.create_table(
        "processed_files",
        sa.Column("dataset", sa.Text(), nullable=False, comment="Dataset of the session."),
        sa.Column("session", sa.Text(), nullable=False, comment="Session that it was made from."),
        sa.Column("path", sa.Text(), nullable=False, comment="Raw file that it was made from."),
        sa.Column("processor", sa.Text(), nullable=False, comment="Name of the processor."),
        sa.Column("version", sa.Text(), nullable=False, comment="Version of the processor."),
        sa.Column("key", sa.Text(), nullable=False, comment="Where it lies in processed storage."),
        sa.Column(
            "media_type",
            sa.Text(),
            nullable=False,
            comment="What it is, such as `application/vnd.apache.parquet` or `image/png`.",
        ),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="Size in bytes."),
        sa.Column("sha256", sa.Text(), nullable=False, comment="SHA-256 of the content, hex."),
        sa.CheckConstraint("size >= 0", name=op.f("processed_files_size_check")),
        sa.ForeignKeyConstraint(
            ["dataset", "session", "path", "processor", "version"],
            [
                "assay.processing.dataset",
                "assay.processing.session",
                "assay.processing.path",
                "assay.processing.processor",
                "assay.processing.version",
            ],
            name=op.f("processed_files_processing_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset", "session", "path", "processor", "version", "key", name=op.f("processed_files_pkey")),
        schema="assay",
        comment="One file that a processor made; it leads back through its row in `processing` to the SHA-256 of its input.",
    )
    op.create_index(op.f("processed_files_sha256_index"), "processed_files", ["sha256"], unique=False, schema="assay")
    op.alter_column(
        "findings",
        "stage",
        existing_type=sa.TEXT(),
        comment="Where it was found: verify, read, check or preprocess.",
        existing_comment="Where it was found: verify, read or check.",
        existing_nullable=False,
        schema="assay",
    )
    op.drop_constraint("findings_stage_check", "findings", schema="assay")
    op.create_check_constraint(
        op.f("findings_stage_check"), "findings", "stage IN ('verify', 'read', 'check', 'preprocess')", schema="assay"
    )


def downgrade() -> None:
    op.execute("DELETE FROM assay.findings WHERE stage = 'preprocess'")
    op.drop_constraint("findings_stage_check", "findings", schema="assay")
    op.create_check_constraint(op.f("findings_stage_check"), "findings", "stage IN ('verify', 'read', 'check')", schema="assay")
    op.alter_column(
        "findings",
        "stage",
        existing_type=sa.TEXT(),
        comment="Where it was found: verify, read or check.",
        existing_comment="Where it was found: verify, read, check or preprocess.",
        existing_nullable=False,
        schema="assay",
    )
    op.drop_index(op.f("processed_files_sha256_index"), table_name="processed_files", schema="assay")
    op.drop_table("processed_files", schema="assay")
    op.drop_index("variables_text_index", table_name="variables", schema="assay")
    op.drop_index(
        "variables_number_index", table_name="variables", schema="assay", postgresql_where=sa.text("number IS NOT NULL")
    )
    op.drop_table("variables", schema="assay")
    op.drop_table("processing", schema="assay")
