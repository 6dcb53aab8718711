"""The embedded PostgreSQL's process: made, started, waited for, stopped. The caller holds the lock (assay.database.embedded)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
from pathlib import Path

import psycopg2

from assay.database.cluster import MAJOR, Cluster
from assay.errors import DatabaseUnavailable

_SOCKET_NAME = ".s.PGSQL.5432"
_MAX_SOCKET_PATH = 103
"""macOS takes 103 bytes, Linux 107."""
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")
_START_SECONDS = 120


def ensure_running(cluster: Cluster) -> str:
    """Make the data directory if there is none, start the server if it does not answer, and give the folder of its socket."""
    if not (cluster.data / "PG_VERSION").exists():
        _initialize(cluster)
    version = (cluster.data / "PG_VERSION").read_text().strip()
    if version != str(MAJOR):
        raise DatabaseUnavailable(
            f"{cluster.data}: was written by PostgreSQL {version}; installed is {MAJOR}. Dump it with the release that wrote it, "
            "remove the folder, and load the dump."
        )
    deadline = time.monotonic() + _START_SECONDS
    while True:
        sockets = _answering(cluster)
        if sockets is not None:
            return sockets
        problem = _start(cluster)
        if problem is not None and (time.monotonic() > deadline or not _passes(cluster, problem)):
            raise DatabaseUnavailable(f"the embedded PostgreSQL does not start: {problem}. Its log: {cluster.log}")


def stop(cluster: Cluster) -> None:
    """Stop the server, in a second if it can, at once if it must; no error if it is not running."""
    if not (cluster.data / "postmaster.pid").exists():
        return
    for mode, seconds in (("fast", 60), ("immediate", 10)):
        if cluster.run(cluster.programs / "pg_ctl", "stop", "-D", "data", "-m", mode, "-w", "-t", str(seconds)).returncode == 0:
            break
    sockets = _socket_place(cluster)
    if sockets.parent != cluster.base and not sockets.is_symlink():
        with contextlib.suppress(OSError):  # not there, or the server is still in it
            sockets.rmdir()


def _initialize(cluster: Cluster) -> None:
    if cluster.data.exists():
        raise DatabaseUnavailable(f"{cluster.data}: holds no PostgreSQL database (no PG_VERSION): move it away and run again")
    # A name of its own: the initdb of a killed process may still be writing into the one before.
    for left in cluster.base.glob("data.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    unfinished = cluster.base / f"data.new-{secrets.token_hex(4)}"
    unfinished.mkdir(mode=0o700)
    cluster.log.touch()
    cluster.hand_over(unfinished, cluster.log)
    # Codepoint order and UTF-8 whatever the system's locale: the same query sorts alike on every machine.
    answer = cluster.run(
        cluster.programs / "initdb",
        *("-D", unfinished.name, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    )
    if answer.returncode != 0:
        raise DatabaseUnavailable(f"initdb failed in {cluster.base}: {_last_line(answer.stderr)}")
    with (unfinished / "postgresql.conf").open("a") as stream:
        stream.write("include 'assay.conf'\n")
    unfinished.rename(cluster.data)


def _start(cluster: Cluster) -> str | None:
    """Start the server and wait until it is ready; None, or what went wrong."""
    sockets = _socket_folder(cluster)
    conf = cluster.data / "assay.conf"
    conf.write_text(
        "listen_addresses = ''\n"
        f"unix_socket_directories = '{sockets}'\n"
        "max_connections = 200\n"
        "timezone = 'UTC'\n"
        "log_timezone = 'UTC'\n"
        "log_checkpoints = off\n"
        "jit = off\n"
        "client_connection_check_interval = '5s'\n"  # a killed command must not leave its query running
        # Containers give 64 MB of /dev/shm, which parallel plans exhaust.
        "max_parallel_workers_per_gather = 0\n"
    )
    cluster.log.touch()
    cluster.hand_over(conf, cluster.log)
    before = cluster.log.stat().st_size
    answer = cluster.run(cluster.programs / "pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-t", str(_START_SECONDS))
    if answer.returncode == 0:
        return None
    with cluster.log.open("rb") as stream:
        stream.seek(before)
        lines = stream.read().decode("utf-8", "replace").splitlines()
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return " ".join(fatal) or _last_line(answer.stderr) or "pg_ctl gave no reason"


def _passes(cluster: Cluster, problem: str) -> bool:
    """Whether trying again helps: children of a killed server are ending, or the lock file names a process that is not ours."""
    time.sleep(0.3)
    if "shared memory block" in problem or "starting up" in problem or "shutting down" in problem:
        return True
    if 'lock file "postmaster.pid"' not in problem:
        return False
    # After a reboot or in a new container the number in a left-over lock file may be another process by now.
    file = cluster.data / "postmaster.pid"
    try:
        cwd = Path(f"/proc/{int(file.read_text().splitlines()[0])}/cwd").readlink()
    except (FileNotFoundError, IndexError, ValueError):
        return True
    except OSError:
        return False
    if cwd == cluster.data.resolve():
        return True
    file.unlink(missing_ok=True)
    return True


def _answering(cluster: Cluster) -> str | None:
    """The socket folder of the running server, or None; waits while it starts or recovers."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            lines = (cluster.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 5:
            return None
        try:
            psycopg2.connect(host=lines[4], user="postgres", dbname="postgres", connect_timeout=10).close()
        except psycopg2.OperationalError as error:
            if "starting up" not in str(error) or time.monotonic() > deadline:
                return None
            time.sleep(0.1)
        else:
            return lines[4]


def _socket_place(cluster: Cluster) -> Path:
    """In the base folder where its path is short and plain enough, else in the temporary folder."""
    folder = cluster.base / "run"
    if len(os.fsencode(folder / _SOCKET_NAME)) <= _MAX_SOCKET_PATH and _PLAIN_PATH.fullmatch(str(folder)):
        return folder
    name = hashlib.sha256(f"{cluster.base}\n{_owner(cluster)}".encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"assay-{name}"


def _owner(cluster: Cluster) -> int:
    return os.geteuid() if cluster.account is None else cluster.account.pw_uid


def _socket_folder(cluster: Cluster) -> Path:
    """The folder of the server's socket, made where it is not there, and closed to everybody else."""
    folder, owner = _socket_place(cluster), _owner(cluster)
    if not folder.exists():
        folder.mkdir(mode=0o700)
        cluster.hand_over(folder)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != owner or found.st_mode & 0o077:
        raise DatabaseUnavailable(
            f"{folder}: expected a folder of uid {owner} with mode 0700, for the database's socket; remove it"
        )
    return folder


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
