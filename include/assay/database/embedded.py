"""The embedded PostgreSQL: started by the first who needs it, stopped by the last who lets go.

Every user of the server holds a shared lock on one file for as long as it lives. The system lets go of the lock when a process
ends, however it ends, so the count is right even after SIGKILL; a server that was left running by a killed last user is stopped
by the next one that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import errors, sql

from assay.database import postmaster
from assay.database.cluster import find_cluster
from assay.errors import DatabaseUnavailable

DATABASES = ("assay", "airflow")
_DATABASES_SECONDS = 60


@dataclass(frozen=True)
class Urls:
    """SQLAlchemy URLs of the two databases on the embedded server."""

    assay: str
    airflow: str


@contextlib.contextmanager
def server(home: Path) -> Iterator[Urls]:
    """The embedded PostgreSQL of a home folder, running for as long as the context lasts.

    Any number of processes may do this at once; the last to leave stops the server. Raises DatabaseUnavailable with the reason
    and what to do when it cannot be started.
    """
    folder, owner = home / "postgres", os.getpid()
    with _plain_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        users = os.open(folder / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            with _plain_words(folder), _locked(folder):
                fcntl.flock(users, fcntl.LOCK_SH)
                cluster = find_cluster(folder)
                sockets = postmaster.ensure_running(cluster)
                _make_databases(sockets)
            yield urls(sockets)
        finally:
            if os.getpid() == owner:  # a fork that leaves through here must not let go for its parent
                with _plain_words(folder), _locked(folder):
                    if _is_last(users):
                        postmaster.stop(find_cluster(folder))
    finally:
        os.close(users)


def urls(sockets: str) -> Urls:
    """The URLs of the databases behind a socket folder."""
    return Urls(*(f"postgresql+psycopg2://postgres:@/{name}?host={sockets}" for name in DATABASES))


def remove(home: Path) -> None:
    """Delete the embedded database of a home folder, wherever its data lies. Raises DatabaseUnavailable while it is in use."""
    folder = home / "postgres"
    if not folder.is_dir():
        return
    with _plain_words(folder), _locked(folder):
        users = os.open(folder / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not _is_last(users):
                raise DatabaseUnavailable(f"{folder}: the database is in use; stop what uses it first")
            if (folder / "data").exists() or (folder / "data").is_symlink():
                cluster = find_cluster(folder)
                postmaster.stop(cluster)
                shutil.rmtree(cluster.base)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(users)


def _is_last(users: int) -> bool:
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time starts or stops the server."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def _plain_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise DatabaseUnavailable(
            f"{error.filename or folder}: permission denied; it belongs to another user: run as that user, "
            "or set ASSAY_HOME to a folder of your own"
        ) from error
    except OSError as error:
        raise DatabaseUnavailable(
            f"{error.filename or folder}: {error.strerror}; the embedded PostgreSQL needs that folder"
        ) from error


def _missing(cursor: psycopg2.extensions.cursor) -> list[str]:
    cursor.execute("SELECT datname FROM pg_database")
    there = {name for (name,) in cursor.fetchall()}
    return [name for name in DATABASES if name not in there]


def _make_databases(sockets: str) -> None:
    connection = psycopg2.connect(host=sockets, user="postgres", dbname="postgres", connect_timeout=10)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            deadline = time.monotonic() + _DATABASES_SECONDS
            while missing := _missing(cursor):
                try:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(missing[0])))
                except (errors.DuplicateDatabase, errors.UniqueViolation, errors.ObjectInUse) as error:
                    # The server is still working on what a killed process asked of it.
                    if time.monotonic() > deadline:
                        raise DatabaseUnavailable(f"the embedded PostgreSQL cannot make its databases: {error}") from error
                    time.sleep(0.1)
    finally:
        connection.close()
