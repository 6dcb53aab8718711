"""Fixtures that every kind of test shares."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["real_servers"]

CHECKOUT = Path(__file__).resolve().parents[1]

hypothesis.settings.register_profile("quick", max_examples=25)


def pytest_configure(config: pytest.Config) -> None:
    """`make test` tries fewer examples of a property than `make test-full`, where a test does not say how many itself."""
    if config.getoption("markexpr") == "not full":
        hypothesis.settings.load_profile("quick")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Other people's raw results; not committed. `ASSAY_TEST_DATA` says where they are; default: beside the checkout."""
    folder = Path(os.environ.get("ASSAY_TEST_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}; set ASSAY_TEST_DATA to a folder with instance-benchmarks/ and spare-cores/")
    return folder
