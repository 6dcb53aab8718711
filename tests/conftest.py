"""Fixtures that every kind of test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["real_servers"]

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Other people's raw results; not committed. `ASSAY_TEST_DATA` says where they are; default: beside the checkout."""
    folder = Path(os.environ.get("ASSAY_TEST_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}; set ASSAY_TEST_DATA to a folder with instance-benchmarks/ and spare-cores/")
    return folder
