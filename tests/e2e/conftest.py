"""A home of a test's own for a whole local Airflow, and nothing left of it afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from assay.database import embedded
from assay.orchestration import leftovers
from assay.settings import Settings


@pytest.fixture(scope="module")
def make_settings() -> Iterator[Callable[[], Settings]]:
    """Makes settings with a fresh home, where any account may enter (pytest's own folders are closed)."""
    homes = []

    def make() -> Settings:
        home = Path(tempfile.mkdtemp(prefix="assay-e2e-"))
        home.chmod(0o755)
        homes.append(home)
        return Settings(home=home, tool_seconds=1)

    yield make
    for home in homes:
        leftovers.end(leftovers.members(home))
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def settings(make_settings: Callable[[], Settings]) -> Settings:
    """Settings with a home of this module's own, in which a session takes seconds."""
    return make_settings()
