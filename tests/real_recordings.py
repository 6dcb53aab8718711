"""Real recordings that packages of the field bring: EDF and BDF of pyedflib, MiniSEED of obspy, whole and broken."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path


def sample(package: str, path: str) -> Path:
    """A file that an installed package brings; the package is not imported."""
    return Path(str(importlib.metadata.distribution(package).locate_file(path)))


EDF = sample("pyedflib", "pyedflib/data/test_generator.edf")
BDF = sample("pyedflib", "pyedflib/tests/data/test_generator.bdf")
MSEED = sample("obspy", "obspy/io/mseed/tests/data")
