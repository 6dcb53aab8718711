"""The tables in a real PostgreSQL: what the models say, up and down, by one process at a time."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from assay.database import migrate
from assay.database.engine import connect
from assay.database.migrations import HEAD
from assay.database.models import SCHEMA, Base
from assay.errors import DatabaseUnavailable
from sqlalchemy import CheckConstraint, Engine, inspect, make_url, text

MIGRATE = """
import sys
from assay.database import migrate
from assay.database.engine import connect
migrate.upgrade(connect(sys.argv[1]))
"""


def test_models_and_migrations_do_not_drift_comments_included(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=migrate.comparison_options())
        assert compare_metadata(context, Base.metadata) == []


def test_a_missing_comment_is_seen_as_drift(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("COMMENT ON COLUMN assay.sessions.subject IS NULL"))
        context = MigrationContext.configure(connection, opts=migrate.comparison_options())
        assert compare_metadata(context, Base.metadata) != []


def test_check_constraints_are_those_of_the_models(engine: Engine) -> None:
    # Alembic does not compare these.
    for table in Base.metadata.tables.values():
        found = {check["name"] for check in inspect(engine).get_check_constraints(table.name, SCHEMA)}
        expected = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
        assert found == expected


def test_up_down_and_up_again(empty_database_url: str) -> None:
    engine = connect(empty_database_url)
    migrate.upgrade(engine)
    migrate.downgrade(engine, "base")
    assert inspect(engine).get_table_names(SCHEMA) == ["alembic_version"]
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert migrate.revision(connection) == HEAD
    engine.dispose()


def test_three_processes_migrate_at_once(empty_database_url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", MIGRATE, empty_database_url]) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0] * 3
    engine = connect(empty_database_url)
    assert len(inspect(engine).get_table_names(SCHEMA)) == len(Base.metadata.tables) + 1
    engine.dispose()


def test_a_failure_in_the_middle_leaves_the_database_as_it_was(empty_database_url: str) -> None:
    engine = connect(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA assay"))
        connection.execute(text("CREATE TABLE assay.sessions (in_the_way integer)"))
    with pytest.raises(Exception, match="sessions"):
        migrate.upgrade(engine)
    assert inspect(engine).get_table_names(SCHEMA) == ["sessions"]
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE assay.sessions"))
    migrate.upgrade(engine)
    engine.dispose()


def test_a_user_who_may_not_make_tables_is_told_what_to_grant(empty_database_url: str) -> None:
    url = make_url(empty_database_url)
    weak = f"weak_{url.database}"
    engine = connect(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {weak} LOGIN"))
    try:
        limited = connect(url.set(username=weak).render_as_string(hide_password=False))
        with pytest.raises(DatabaseUnavailable, match=f"{weak}.*GRANT CREATE ON DATABASE"):
            migrate.upgrade(limited)
        limited.dispose()
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP ROLE {weak}"))
        engine.dispose()


def test_a_database_of_a_newer_release_is_left_alone_with_advice(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE assay.alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnavailable, match=r"revision 9999.*install the release that wrote it"):
        migrate.upgrade(engine)


def test_it_shares_a_database_with_others(empty_database_url: str) -> None:
    engine = connect(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE public.alembic_version (version_num text)"))
        connection.execute(text("INSERT INTO public.alembic_version VALUES ('of airflow')"))
        connection.execute(text("CREATE TABLE public.sessions (id integer)"))
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM public.alembic_version")) == "of airflow"
        context = MigrationContext.configure(connection, opts=migrate.comparison_options())
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
