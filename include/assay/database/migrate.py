"""Bring a database to the newest revision: in one transaction, one process at a time, at no cost when it is there already."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from assay.database.migrations import HEAD
from assay.errors import DatabaseUnavailable

_SCHEMA = "assay"
_NOT_ALLOWED = "42501"
_LOCK = 4_117_352_900_551
"""Any number, the same in every release."""

logger = logging.getLogger(__name__)


def upgrade(engine: Engine) -> None:
    """Create or update the tables; parallel calls wait for each other, a kill leaves the database as it was.

    Raises DatabaseUnavailable when the database was written by a newer release.
    """
    with engine.connect() as connection:
        if revision(connection) == HEAD:
            return
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = revision(connection)
        if found == HEAD:
            return
        _run(connection, "upgrade", "head", found)
        logger.info("database migrated from revision %s to %s", found or "nothing", HEAD)


def downgrade(engine: Engine, target: str) -> None:
    """Go back to an older revision, `base` for none. What the newer one added is lost."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _run(connection, "downgrade", target, revision(connection))


def revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if connection.scalar(text(f"SELECT to_regclass('{_SCHEMA}.alembic_version')")) is None:
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_SCHEMA}.alembic_version"))  # noqa: S608 - a constant
    return found


def comparison_options() -> dict[str, Any]:
    """How alembic compares models and database: only our schema, everything in it, comments included."""
    return {
        "version_table_schema": _SCHEMA,
        "include_schemas": True,
        "include_name": lambda name, kind, parents: name == _SCHEMA if kind == "schema" else True,
        "compare_type": True,
        "compare_server_default": True,
    }


def alembic_config() -> Any:
    """Alembic's configuration for our scripts; alembic is imported only when there is something to do."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _run(connection: Connection, command: str, target: str, found: str | None) -> None:
    from alembic import command as commands
    from alembic.util import CommandError

    config = alembic_config()
    config.attributes["connection"] = connection
    try:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}"))
        getattr(commands, command)(config, target)
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != _NOT_ALLOWED:
            raise
        raise DatabaseUnavailable(
            f"the database user {connection.engine.url.username!r} may not make tables: "
            f"GRANT CREATE ON DATABASE {connection.engine.url.database} to it, or migrate as its owner"
        ) from error
    except CommandError as error:
        raise DatabaseUnavailable(
            f"the database is at revision {found}, this release knows up to {HEAD} ({error}): install the release that wrote it"
        ) from error
