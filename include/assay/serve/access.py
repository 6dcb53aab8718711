"""Who may ask: on this machine everybody, beyond it who has the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from assay.errors import AssayError
from assay.serve.problems import Refusal

MIN_TOKEN_CHARS = 16

_BEARER = HTTPBearer(auto_error=False, description="The token in ASSAY_SERVE_TOKEN of the server.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(host: str, token: SecretStr | None) -> None:
    """Raises AssayError where anybody on the network could ask without a token, or with one that can be guessed."""
    if token is None and not is_loopback(host):
        raise AssayError(
            f"--host: found {host}, which other machines can reach, and no token; expected 127.0.0.1, or a token of "
            f"{MIN_TOKEN_CHARS} characters or more in ASSAY_SERVE_TOKEN, which clients then send as `Authorization: Bearer ...`"
        )
    if token is not None and len(token.get_secret_value()) < MIN_TOKEN_CHARS:
        raise AssayError(
            f"ASSAY_SERVE_TOKEN: found {len(token.get_secret_value())} characters; expected {MIN_TOKEN_CHARS} or more, such as "
            "from `openssl rand -hex 16`"
        )


def bearer(token: SecretStr) -> Callable[..., None]:
    """A dependency that refuses every request without this token with 401."""

    def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        said = given.credentials.encode() if given else b""
        if not hmac.compare_digest(said, token.get_secret_value().encode()):
            raise Refusal(
                401,
                "no-token",
                "A bearer token is asked for",
                "Send the header `Authorization: Bearer <token>` with the token of this server.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return check
