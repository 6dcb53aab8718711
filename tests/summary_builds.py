"""Counts how often the documents are built."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from assay.publish import snapshot


def count_builds(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[str]:
    """The real build, with the dataset of each call noted in the list that is given back."""
    calls: list[str] = []

    def build(workspace: Any, target: Any) -> dict[str, bytes]:
        calls.append(workspace.dataset)
        return snapshot.build(workspace, target)

    monkeypatch.setattr(module, "build", build)
    return calls
