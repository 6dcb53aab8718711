"""Running code as an ordinary user, from a test that runs as root."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import assay
import pytest

OTHER = 65534
"""The number of `nobody`; any that is not ours would do."""

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which needs root")


def interpreter_for_all() -> str:
    """A Python of our version that any account may run; the environment's own may lie in root's home."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            subprocess.run([candidate, "-c", ""], user=OTHER, group=OTHER, extra_groups=[], check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip(f"no {version} that an ordinary user may run")


def run_as_other(code: str, *arguments: str | Path, uid: int = OTHER) -> subprocess.CompletedProcess[str]:
    """Run code with our packages as an ordinary user. `arguments` become sys.argv[1:]."""
    python = interpreter_for_all()
    path = f"{Path(assay.__file__).parents[1]}:{sysconfig.get_path('purelib')}"
    return subprocess.run(
        [python, "-c", code, *map(str, arguments)],
        user=uid,
        group=OTHER,
        extra_groups=[],
        env={"PATH": os.defpath, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
