"""`assay ship status`: what failed stays visible on the lab machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from assay.cli import app
from assay.errors import AssayError
from assay.ship.journal import FolderState, Journal
from typer.testing import CliRunner


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    made = Journal(tmp_path / "ship" / "journal.sqlite3")
    for name, state in (("a", FolderState.SHIPPED), ("b", FolderState.RETRYING), ("c", FolderState.REFUSED)):
        made.begin(Path("/data") / name, "same")
        made.settle(Path("/data") / name, state, message=f"why {name}")
    return made


def test_a_failed_folder_is_shown_with_its_reason_and_the_exit_code_says_so(journal: Journal) -> None:
    done = CliRunner().invoke(app, ["ship", "status", "--json"])
    assert isinstance(done.exception, AssayError)
    assert "c" in str(done.exception)
    assert {row["folder"]: (row["state"], row["message"]) for row in json.loads(done.stdout)} == {
        "a": ("shipped", "why a"),
        "b": ("retrying", "why b"),
        "c": ("refused", "why c"),
    }


def test_attempts_are_counted_while_the_folder_is_the_same(journal: Journal) -> None:
    for fingerprint, expected in (("same", 2), ("same", 3), ("other", 1)):
        journal.begin(Path("/data/b"), fingerprint)
        journal.settle(Path("/data/b"), FolderState.RETRYING)
        assert next(entry.attempts for entry in journal.entries() if entry.folder == "/data/b") == expected
