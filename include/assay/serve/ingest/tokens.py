"""Short-lived tokens and tickets: signed, so that any process of ours can tell its own from another's without keeping them."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt

from assay.errors import AssayError
from assay.settings import Settings
from assay.storage.uploads import SIGNED_FOR_S

TOKEN_FOR_S = 900
MIN_SECRET_CHARS = 32
_ALGORITHM = "HS256"
_TOKEN, _TICKET = "assay-token", "assay-ticket"
_KEPT_IN = "ingest.secret"


class Tokens:
    """Makes and reads tokens (who asks) and tickets (one request to a local folder)."""

    def __init__(self, secret: str) -> None:
        if len(secret) < MIN_SECRET_CHARS:
            raise AssayError(
                f"ASSAY_INGEST_SECRET: found {len(secret)} characters; expected {MIN_SECRET_CHARS} or more, such as from "
                "`openssl rand -hex 32`"
            )
        self._secret = secret

    def issue(self, key: str) -> str:
        """A token for a key, good for TOKEN_FOR_S seconds."""
        return self._sign({"sub": key}, _TOKEN, TOKEN_FOR_S)

    def key_of(self, token: str) -> str | None:
        """The key that a token was made for; None if it is not ours, or not good any more."""
        claims = self._read(token, _TOKEN)
        return str(claims["sub"]) if claims and "sub" in claims else None

    def ticket(self, allowed: Mapping[str, Any]) -> str:
        """A ticket that allows one request, good for SIGNED_FOR_S seconds."""
        return self._sign({"allowed": dict(allowed)}, _TICKET, SIGNED_FOR_S)

    def allowed_by(self, ticket: str) -> dict[str, Any] | None:
        """What a ticket allows; None if it is not ours, or not good any more."""
        claims = self._read(ticket, _TICKET)
        return dict(claims["allowed"]) if claims and "allowed" in claims else None

    def _sign(self, claims: Mapping[str, Any], audience: str, seconds: int) -> str:
        now = int(time.time())
        return jwt.encode({**claims, "aud": audience, "iat": now, "exp": now + seconds}, self._secret, _ALGORITHM)

    def _read(self, text: str, audience: str) -> dict[str, Any] | None:
        try:
            claims: dict[str, Any] = jwt.decode(
                text, self._secret, [_ALGORITHM], audience=audience, options={"require": ["exp", "aud"]}
            )
        except jwt.InvalidTokenError:
            return None
        return claims


def open_tokens(settings: Settings) -> Tokens:
    """Tokens signed with the secret of the settings, or with one that is made once and kept in `home`, readable by us alone."""
    if settings.ingest_secret is not None:
        return Tokens(settings.ingest_secret.get_secret_value())
    return Tokens(_kept_secret(settings.home / _KEPT_IN))


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Linked to its name when it is whole: of several processes that make one, the first one's counts.
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f".{_KEPT_IN}-")
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(32))
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        finally:
            Path(made).unlink()
    return path.read_text()
