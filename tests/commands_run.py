"""Commands of `assay` in this process, over a workspace of a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.cli import app
from assay.settings import Settings
from click.testing import Result
from typer.testing import CliRunner


def settle_in(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands find the home and the database of these settings."""
    assert settings.database_url is not None
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    monkeypatch.setenv("ASSAY_DATABASE_URL", settings.database_url.get_secret_value())


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: str | Path) -> str:
    """What a command that succeeds prints."""
    result = run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout
