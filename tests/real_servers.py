"""Fixtures for real servers: the embedded PostgreSQL, an AWS emulator over HTTP, and a workspace on top of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from assay.database import embedded, migrate
from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import Workspace
from sqlalchemy import Engine, make_url

REGION = "us-east-1"


def open_home() -> Path:
    """A folder where any account of the machine may enter (pytest's own are closed), in memory where there is plenty of it."""
    memory = Path("/dev/shm")  # most of what these tests wait for is fsync
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 1024**3
    home = Path(tempfile.mkdtemp(prefix="assay-test-", dir=memory if roomy else None))
    home.chmod(0o755)
    return home


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A home for one embedded server."""
    home = open_home()
    yield home
    embedded.remove(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server_urls(server_home: Path) -> Iterator[embedded.Urls]:
    """The embedded PostgreSQL, running; its database `assay` is migrated and stays empty, as the template of all others."""
    with embedded.server(server_home) as urls:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            _administer(urls, f"ALTER SYSTEM SET {setting}")
        _administer(urls, "SELECT pg_reload_conf()")
        engine = connect(urls.assay)
        migrate.upgrade(engine)
        engine.dispose()
        yield urls


def _administer(urls: embedded.Urls, statement: str) -> None:
    url = make_url(urls.airflow)
    connection = psycopg2.connect(host=url.query["host"], user=url.username, dbname=url.database)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def copied_database(urls: embedded.Urls, url: str) -> str:
    """A new database like another, that nobody is connected to; gives its URL."""
    name = f"test_{uuid.uuid4().hex}"
    _administer(urls, f"CREATE DATABASE {name} TEMPLATE {make_url(url).database} STRATEGY file_copy")
    return make_url(urls.assay).set(database=name).render_as_string(hide_password=False)


def dropped_database(urls: embedded.Urls, url: str) -> None:
    """Remove a database, whoever is connected to it."""
    _administer(urls, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def closed_database(urls: embedded.Urls, url: str) -> None:
    """Let a database take no connection, and end those that there are."""
    name = make_url(url).database
    _administer(urls, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    _administer(urls, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def opened_database(urls: embedded.Urls, url: str) -> None:
    """The reverse of `closed_database`."""
    _administer(urls, f"ALTER DATABASE {make_url(url).database} ALLOW_CONNECTIONS true")


@pytest.fixture
def empty_database_url(server_urls: embedded.Urls) -> Iterator[str]:
    """A database of this test's own without any table."""
    name = f"test_{uuid.uuid4().hex}"
    _administer(server_urls, f"CREATE DATABASE {name}")
    yield make_url(server_urls.assay).set(database=name).render_as_string(hide_password=False)
    _administer(server_urls, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_urls: embedded.Urls) -> Iterator[str]:
    """A database of this test's own, migrated and empty."""
    url = copied_database(server_urls, server_urls.assay)
    yield url
    dropped_database(server_urls, url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on `database_url`."""
    engine = connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """The ledger of a fresh dataset `default`, whose first session fixes the licence."""
    ledger = Ledger(engine, "default")
    ledger.open_dataset()
    return ledger


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings with everything in the test's own folder and database."""
    return Settings(home=tmp_path / "home", database_url=database_url)  # type: ignore[arg-type]


@pytest.fixture
def workspace(settings: Settings, engine: Engine, ledger: Ledger) -> Workspace:
    """A fresh dataset `default` with local storage in the test's folder."""
    storage = Storage.open(settings.object_storage_url)
    return Workspace(settings, "default", storage, engine, ledger)


@pytest.fixture(scope="session")
def aws_emulator() -> Iterator[Any]:
    """An AWS emulator over real HTTP (assay.emulator.aws.AwsServer). The test needs the marker `enable_socket`."""
    from assay.emulator.aws import AwsServer

    server = AwsServer()
    yield server
    server.stop()


@pytest.fixture
def aws(aws_emulator: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The emulator as the environment's AWS; gives its endpoint."""
    aws_emulator.forget()
    return as_environment(aws_emulator.endpoint, monkeypatch)


@pytest.fixture
def ec2_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An emulator of this test's own that behaves as EC2 does (assay.emulator.ec2.Ec2Server), as the environment's AWS."""
    from assay.emulator.ec2 import Ec2Server

    with serving_aws(Ec2Server, monkeypatch) as server:
        yield server


@pytest.fixture
def trap_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The same with traps (trap_server.TrapServer)."""
    from trap_server import TrapServer

    with serving_aws(TrapServer, monkeypatch) as server:
        yield server


@contextlib.contextmanager
def serving_aws(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An emulator of this kind that holds nothing yet, as the environment's AWS."""
    server = kind()
    try:
        urllib.request.urlopen(urllib.request.Request(f"{server.endpoint}/moto-api/reset", method="POST")).close()
        as_environment(server.endpoint, monkeypatch)
        yield server
    finally:
        server.stop()


def as_environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make an emulator the AWS of this process and of those that it starts; gives its endpoint."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return endpoint


@pytest.fixture
def s3(aws: str) -> Any:
    """A boto3 client of the emulator's S3."""
    import boto3

    return boto3.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """An empty bucket of this test's own."""
    name = f"assay-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name)
    return name
