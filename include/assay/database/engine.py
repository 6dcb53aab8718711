"""Connections to PostgreSQL: checked before use, in UTC, and with one clear message when the database goes away."""

from __future__ import annotations

import time

from psycopg2 import Error as DriverError
from sqlalchemy import Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from assay.errors import DatabaseUnavailable

_LOST_STATES = ("08", "57P01", "57P02", "57P03", "57P05")
"""SQLSTATEs (classes) that mean the server is not there for us: connection lost, shutting down, starting up."""

_SHORT = {
    "53100": "the database has no space left on its disk: free some, or move it",
    "53200": "the database is out of memory: give it more, or run fewer tasks at once",
    "53300": "the database takes no more connections: run fewer tasks at once, or raise max_connections",
}
"""SQLSTATEs that mean the server is there and lacks something."""

_WILL_NOT_PASS = ("does not exist", "authentication failed", "no pg_hba.conf entry", "no password supplied")
"""Answers of a server that waiting does not change."""


def connect(url: str, *, wait_seconds: float = 15.0) -> Engine:
    """An engine on a PostgreSQL that answers.

    Tries for `wait_seconds`, since a server that was just started may still be recovering. Raises DatabaseUnavailable when the
    URL is none of PostgreSQL or nothing answers; every later loss of the connection raises the same.
    """
    engine = make_engine(url)
    deadline = time.monotonic() + wait_seconds
    pause = 0.1
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DatabaseUnavailable as error:
            if time.monotonic() + pause > deadline or any(words in str(error) for words in _WILL_NOT_PASS):
                engine.dispose()
                raise
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
        else:
            return engine


def make_engine(url: str) -> Engine:
    """An engine that has not connected yet. Raises DatabaseUnavailable when the URL is none of PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnavailable("database URL: not a URL; expected postgresql+psycopg2://... (ASSAY_DATABASE_URL)") from None
    if parsed.get_backend_name() != "postgresql":
        raise DatabaseUnavailable(f"database URL: found {parsed.drivername}; expected postgresql+psycopg2 (ASSAY_DATABASE_URL)")
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg2"),
        pool_pre_ping=True,
        pool_size=5,
        connect_args={
            "connect_timeout": 10,
            "application_name": "assay",
            "options": "-c timezone=UTC",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
    )
    event.listen(engine, "handle_error", _say_it_plainly, retval=True)
    return engine


def unavailable(error: BaseException, where: str) -> DatabaseUnavailable | None:
    """What the driver's error means, if it means that the database is not there; None for every other error."""
    if not isinstance(error, DriverError):
        return None
    state = error.pgcode or ""
    without_state = not state and type(error).__name__ in ("OperationalError", "InterfaceError")
    if not (without_state or state in _SHORT or state.startswith(_LOST_STATES)):
        return None
    first = str(error).strip().partition("\n")[0]
    if state in _SHORT or "too many clients" in first:
        return DatabaseUnavailable(f"{_SHORT.get(state, _SHORT['53300'])} ({where}): {first}. Nothing is half done: run again.")
    return DatabaseUnavailable(f"the database went away or does not answer ({where}): {first}. Nothing is half done: run again.")


def _say_it_plainly(context: ExceptionContext) -> BaseException | None:
    if context.is_pre_ping:
        return None  # the pool makes a new connection instead
    where = context.engine.url.render_as_string(hide_password=True) if context.engine is not None else "PostgreSQL"
    return unavailable(context.original_exception, where)
