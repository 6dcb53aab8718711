"""The tables document themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from assay.check import rule
from assay.database import words
from assay.database.document import database_markdown
from assay.database.migrate import alembic_config
from assay.database.migrations import HEAD
from assay.database.models import SCHEMA, Base
from assay.database.statistics import STATISTIC_COLUMNS
from assay.summarize import statistics
from sqlalchemy import Column, Table

TABLES = sorted(Base.metadata.tables.values(), key=lambda table: table.name)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_and_column_has_a_comment(table: Table) -> None:
    assert table.schema == SCHEMA
    assert table.comment
    assert table.comment.endswith(".")
    without = [column.name for column in table.columns if not column.comment or not column.comment.endswith(".")]
    assert without == []


OF_ALL_DATASETS = {"loose_batches", "prices", "api_keys", "uploads", "upload_files", "ingest_audit"}
"""A file of the processed layer may hold rows of sessions that are in two datasets; a price is a fact of its own; keys and what
is sent with them belong to a lab."""


@pytest.mark.parametrize("table", [table for table in TABLES if table.name not in OF_ALL_DATASETS], ids=lambda table: table.name)
def test_every_row_belongs_to_a_dataset(table: Table) -> None:
    first: Column[str] = next(iter(table.primary_key.columns))
    assert first.name == "dataset"


def test_the_words_of_the_ledger_are_those_of_the_rules() -> None:
    assert words.FINDING_COLUMNS == rule.FINDING_COLUMNS
    assert tuple(rule.Stage) == words.STAGES
    assert tuple(rule.Severity) == words.SEVERITIES


def test_the_table_of_statistics_holds_what_is_summarized() -> None:
    assert set(STATISTIC_COLUMNS) == set(statistics.STATISTIC_COLUMNS)


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_docs_database_md_is_fresh() -> None:
    committed = Path(__file__).parents[3] / "docs" / "database.md"
    assert committed.read_text(encoding="utf-8") == database_markdown(), "run `make docs`"
