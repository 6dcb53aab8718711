"""Runs the git command line on one bare repository, apart from everybody's configuration, hooks and environment."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from assay.errors import PublicationError

TIMEOUT_S = 600
_PIECE = 64 * 1024
AUTHOR = {
    "GIT_AUTHOR_NAME": "Assay",
    "GIT_AUTHOR_EMAIL": "assay@localhost",
    "GIT_COMMITTER_NAME": "Assay",
    "GIT_COMMITTER_EMAIL": "assay@localhost",
}

_OPTIONS = (
    ("safe.directory", "*"),  # the repository may belong to another user: we were told to write to it
    ("core.hooksPath", os.devnull),
    ("core.attributesFile", os.devnull),
    ("core.autocrlf", "false"),
    ("core.quotePath", "false"),
    ("core.fsync", "objects,reference"),  # a commit that is reported is on the disk
    ("core.filesRefLockTimeout", "1000"),
    ("core.packedRefsTimeout", "1000"),
    ("gc.auto", "0"),
)


class GitFailed(PublicationError):
    """A git command ended with an error."""

    def __init__(self, message: str, returncode: int, stderr: str) -> None:
        super().__init__(message)
        self.returncode, self.stderr = returncode, stderr


def clean_environment() -> dict[str, str]:
    """The process environment without anything that steers git, and with an identity that is always the same."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SSH_ASKPASS"))}
    return (
        kept | AUTHOR | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    )


class Git:
    """The git command line on a bare repository."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository

    def run(self, *arguments: str, input: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """Standard output of a git command. Raises GitFailed with the command and what it printed, PublicationError without
        git."""
        try:
            done = subprocess.run(
                self._command(arguments),
                input=input,
                capture_output=True,
                env=clean_environment() | dict(extra or {}),
                timeout=TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError:
            raise PublicationError("git was not found on PATH; install it: a dataset is published as a Git commit") from None
        except subprocess.TimeoutExpired:
            raise PublicationError(f"{self.repository}: git {arguments[0]} took over {TIMEOUT_S} s; is the disk there?") from None
        if done.returncode != 0:
            stderr = done.stderr.decode(errors="replace").strip()
            raise GitFailed(
                f"{self.repository}: git {arguments[0]} failed ({done.returncode}): {stderr[-500:] or 'no message'}",
                done.returncode,
                stderr,
            )
        return done.stdout

    def text(self, *arguments: str) -> str:
        """Standard output as text, without the last line end."""
        return self.run(*arguments).decode().rstrip("\n")

    def succeeds(self, *arguments: str) -> bool:
        """Whether a git command ends without an error."""
        try:
            self.run(*arguments)
        except GitFailed:
            return False
        return True

    def blobs(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """(name, content) of objects such as `<commit>:<path>`, one at a time. Raises FileNotFoundError for one that is no
        blob."""
        with self._reading("--batch") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for name in names:
                process.stdin.write(name.encode() + b"\n")
                process.stdin.flush()
                header = process.stdout.readline().split()
                if len(header) != 3 or header[1] != b"blob":
                    raise FileNotFoundError(f"{self.repository}: {name}: not a file of that commit")
                size = int(header[2])
                data = process.stdout.read(size)
                if len(data) != size or process.stdout.read(1) != b"\n":
                    raise PublicationError(f"{self.repository}: {name}: git gave {len(data)} of {size} bytes; try `git fsck`")
                yield name, data

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of an object such as `<commit>:<path>`, in pieces. Raises FileNotFoundError for one that is no blob."""
        given = 0
        with self._reading("blob", name) as process:
            assert process.stdout is not None
            while piece := process.stdout.read(_PIECE):
                given += len(piece)
                yield piece
            ended = process.wait()
        if ended != 0 and given:
            raise PublicationError(f"{self.repository}: {name}: git broke off after {given} bytes; try `git fsck`")
        if ended != 0:
            raise FileNotFoundError(f"{self.repository}: {name}: not a file of that commit")

    @contextlib.contextmanager
    def _reading(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A `git cat-file` that is asked and read while this lasts."""
        process = subprocess.Popen(
            self._command(("cat-file", *arguments)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )
        try:
            yield process
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.terminate()
            process.wait()

    def _command(self, arguments: Iterable[str]) -> list[str]:
        options = [part for name, value in _OPTIONS for part in ("-c", f"{name}={value}")]
        return ["git", *options, f"--git-dir={self.repository}", *arguments]
