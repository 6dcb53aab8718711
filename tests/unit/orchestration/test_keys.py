"""The secrets of a home's Airflow: made once, kept, closed to others."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from assay.errors import AssayError
from assay.orchestration.keys import load_secrets


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    made = load_secrets(tmp_path)
    assert load_secrets(tmp_path) == made


def test_two_homes_have_different_secrets(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, second = (vars(load_secrets(folder)) for folder in folders)
    assert not set(first.values()) & set(second.values())


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_the_fernet_key_is_one(tmp_path: Path) -> None:
    assert len(base64.urlsafe_b64decode(load_secrets(tmp_path).fernet_key)) == 32


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"fernet_key": "x"}', '{"fernet_key": "", "jwt_secret": "x", "secret_key": "x"}']
)
def test_a_broken_file_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets.json").write_text(text)
    with pytest.raises(AssayError, match=r"secrets\.json.*remove the file"):
        load_secrets(tmp_path)
