"""The emulator as a process of its own: it prints its endpoint, and answers until its standard input closes.

python -m assay.emulator.program
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def aws_process(folder: Path) -> Iterator[str]:
    """Run the emulator, which keeps large objects and its log in the folder, for as long as the context lasts; its endpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.stdout.close()


def main() -> None:
    """Answer until the standard input closes."""
    from assay.emulator.aws import AwsServer

    server = AwsServer()
    sys.stdout.write(f"{server.endpoint}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
