"""`assay ship` as processes of their own: started, killed, waited for, and asked how much memory they took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PROGRAM = """
import atexit, re
from pathlib import Path
def peak():
    print("peak MB", int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
atexit.register(peak)
from assay.cli import main
main()
"""


def start(url: str, key: str, home: Path, directory: Path, *options: str, **settings: str) -> subprocess.Popen[str]:
    """`assay ship once` of a directory to an ingestion API, with a state folder of its own; `settings` as `ASSAY_` variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "AWS_"))}
    environment = kept | {"ASSAY_HOME": str(home), "ASSAY_SHIP_URL": url, "ASSAY_SHIP_KEY": key, **settings}
    command = [sys.executable, "-c", _PROGRAM, "ship", "once", str(directory), *options]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(shipper: subprocess.Popen[str], seconds: float = 500) -> float:
    """Wait until it has shipped everything; its peak memory in MB."""
    said, _ = shipper.communicate(timeout=seconds)
    assert shipper.returncode == 0, said
    return float(said.rpartition("peak MB ")[2])


def kill(shipper: subprocess.Popen[str]) -> None:
    shipper.kill()
    shipper.communicate()


def wait_until(what: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
