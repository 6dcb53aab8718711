"""What a local Airflow encrypts and signs with: made once for a home, readable by its owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from assay.errors import AssayError
from assay.orchestration.environment import Secrets


def load_secrets(folder: Path) -> Secrets:
    """The secrets of a home's Airflow, from `secrets.json` in the folder; made there, with mode 0600, the first time.

    Raises AssayError if the file is there and does not hold them.
    """
    path = folder / "secrets.json"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    made = Secrets(
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        jwt_secret=secrets.token_urlsafe(48),
        secret_key=secrets.token_urlsafe(48),
    )
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(vars(made), stream)
    return made


def _read(path: Path) -> Secrets:
    expected = set(Secrets.__dataclass_fields__)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or set(found) != expected or not all(isinstance(v, str) and v for v in found.values()):
        raise AssayError(
            f"{path}: does not hold {', '.join(sorted(expected))} as text; "
            "remove the file and new ones are made (connections stored in this Airflow must then be entered again)"
        )
    return Secrets(**found)
