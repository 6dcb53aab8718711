"""Who may use the ingestion API: an API key from an allowed network gets a token, and a token with the right may ask."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Engine

from assay.database import uploads
from assay.database.keys import KEY_FORM, ApiKey, Refused, Right, admit, is_genuine, parse_networks
from assay.serve.ingest.tokens import Tokens
from assay.serve.problems import Refusal

log = logging.getLogger(__name__)

_KEY = HTTPBearer(auto_error=False, scheme_name="apiKey", description="An API key of `assay keys create`.")
_TOKEN = HTTPBearer(auto_error=False, scheme_name="token", description="A token of `POST /v1/token`; good for 15 minutes.")
_ASK = {"WWW-Authenticate": "Bearer"}


@dataclass
class Caller:
    """Who asks, from where, and a place to say what it was about for the audit log."""

    key: ApiKey
    address: str
    session: str = ""
    detail: str = ""
    engine: Engine = field(repr=False, kw_only=True)

    @contextlib.contextmanager
    def audited(self, action: str, session: str = "") -> Iterator[None]:
        """Everything done or refused inside is one entry of the audit log."""
        self.session = session
        outcome = "fault"
        try:
            yield
            outcome = "done"
        except Refusal as refusal:
            outcome = refusal.problem.type.rpartition(":")[2]
            self.detail = self.detail or refusal.problem.detail
            raise
        finally:
            with self.engine.begin() as connection:
                uploads.audit(
                    connection,
                    key=self.key.key,
                    lab=self.key.lab,
                    address=self.address,
                    action=action,
                    session=self.session,
                    outcome=outcome,
                    detail=self.detail,
                )


@dataclass(frozen=True)
class Gate:
    """Lets callers in. `engine` opens the database at the first request; `networks`: CIDR, none is any."""

    engine: Callable[[], Engine]
    tokens: Callable[[], Tokens]
    networks: tuple[str, ...] = ()

    def with_key(self, request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_KEY)]) -> Caller:
        """A caller who shows an API key."""
        address = self._address(request)
        parts = KEY_FORM.fullmatch(given.credentials) if given else None
        if parts is None:
            raise _unauthorized("no-key", "Send the header `Authorization: Bearer <API key>`; `assay keys create` makes one.")
        engine = self.engine()
        with engine.connect() as connection:
            genuine = is_genuine(connection, parts[1], parts[2])
        if not genuine:
            log.warning("ingest: unknown key or wrong secret, key %s, from %s", parts[1], address)
            raise _unauthorized("unknown-key", "There is no such API key; `assay keys create` makes one.")
        return self._admitted(engine, parts[1], address)

    def with_token(self, request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_TOKEN)]) -> Caller:
        """A caller who shows a token; its key is asked anew, so that revoking a key ends its tokens."""
        address = self._address(request)
        key = self.tokens().key_of(given.credentials) if given else None
        if key is None:
            raise _unauthorized("no-token", "Send the header `Authorization: Bearer <token>` with a token of POST /v1/token.")
        return self._admitted(self.engine(), key, address)

    def uploader(self, request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_TOKEN)]) -> Caller:
        """A caller who may bring sessions."""
        return _with_right(self.with_token(request, given), Right.UPLOAD)

    def reader(self, request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_TOKEN)]) -> Caller:
        """A caller who may read sessions."""
        return _with_right(self.with_token(request, given), Right.READ)

    def _admitted(self, engine: Engine, key: str, address: str) -> Caller:
        with engine.begin() as connection:
            admitted = admit(connection, key)
        if isinstance(admitted, Refused):
            if admitted.why == "limited":
                wait = str(math.ceil(admitted.wait_seconds))
                raise Refusal(
                    429, "too-many-requests", "Too many requests", f"Ask again in {wait} s.", headers={"Retry-After": wait}
                )
            log.warning("ingest: key %s is %s, from %s", key, admitted.why, address)
            raise _unauthorized(f"{admitted.why}-key", f"The API key is {admitted.why}; `assay keys create` makes another.")
        if admitted.networks and not _within(address, admitted.networks):
            log.warning("ingest: key %s from %s, which is none of its networks", key, address)
            raise _elsewhere()
        return Caller(admitted, address, engine=engine)

    def _address(self, request: Request) -> str:
        address = request.client.host if request.client else ""
        if self.networks and not _within(address, self.networks):
            log.warning("ingest: request from %s, which is not in ASSAY_INGEST_NETWORKS", address)
            raise _elsewhere()
        return address


def _with_right(caller: Caller, right: Right) -> Caller:
    if right not in caller.key.rights:
        raise Refusal(403, "no-right", "The key does not allow this", f"This asks for a key with the right `{right}`.")
    return caller


def _within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in parse_networks(networks))


def _elsewhere() -> Refusal:
    return Refusal(403, "other-network", "Not from this network", "This address is not among those that may use the API.")


def _unauthorized(kind: str, detail: str) -> Refusal:
    return Refusal(401, kind, "Not authorized", detail, headers=_ASK)
