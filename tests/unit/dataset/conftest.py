"""One built fleet for the tests of the documents."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from assay.dataset.build import build_documents
from dataset_content import make_content


@pytest.fixture(scope="session")
def built() -> dict[str, bytes]:
    """The documents of the made fleet."""
    return build_documents(make_content())


@pytest.fixture
def decoded(built: dict[str, bytes]) -> dict[str, Any]:
    """The same, decoded anew for every test."""
    return {name: orjson.loads(raw) for name, raw in built.items() if name.endswith(".json")}
