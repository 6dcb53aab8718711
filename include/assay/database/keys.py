"""API keys of the ingestion API: made, listed, revoked, and asked at every request."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pandas as pd
from sqlalchemy import Connection, Row, text

from assay.database.copy import storable
from assay.database.queries import read_frame
from assay.errors import AssayError
from assay.session import is_dataset_name

KEY_FORM = re.compile(r"assay_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
LAB_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A lab's name is the subject of its manifests, so it has their form."""
BURST_S = 30
"""A key that was quiet may use up the requests of half a minute at once."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class Right(StrEnum):
    """What a key may do."""

    UPLOAD = "upload"
    READ = "read"


@dataclass(frozen=True)
class ApiKey:
    """A key that is valid now."""

    key: str
    lab: str
    dataset: str
    rights: frozenset[str]
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """Why a key is not admitted: `unknown`, `revoked`, `expired`, or `limited` with seconds to wait."""

    why: str
    wait_seconds: float = 0.0


def create_key(
    connection: Connection,
    *,
    lab: str,
    dataset: str,
    rights: Sequence[str],
    networks: Sequence[str] = (),
    requests_per_minute: int = 600,
    expires_at: datetime | None = None,
    note: str = "",
) -> str:
    """Make a key and give it as text, which is shown once and kept nowhere. Raises AssayError when a value is out of bounds."""
    if not LAB_FORM.fullmatch(lab):
        raise AssayError(f"lab: found {lab!r}; expected letters, digits, '.', '_' and '-', 64 at most")
    if not is_dataset_name(dataset):
        raise AssayError(f"dataset: found {dataset!r}; expected lower case letters, digits and '-', 40 at most")
    unknown = set(rights) - set(Right)
    if unknown or not rights:
        raise AssayError(f"rights: found {sorted(rights)}; expected one or more of {', '.join(Right)}")
    if not 1 <= requests_per_minute <= 1_000_000:
        raise AssayError(f"requests a minute: found {requests_per_minute}; expected 1 to 1,000,000")
    name = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    secret = secrets.token_urlsafe(32)
    connection.execute(
        text(
            "INSERT INTO assay.api_keys "
            "(key, secret_sha256, lab, dataset, rights, networks, requests_per_minute, note, expires_at) "
            "VALUES (:key, :sha, :lab, :dataset, :rights, :networks, :rate, :note, :expires)"
        ),
        {
            "key": name,
            "sha": _hash(secret),
            "lab": lab,
            "dataset": dataset,
            "rights": sorted(set(rights)),
            "networks": [str(network) for network in parse_networks(networks)],
            "rate": requests_per_minute,
            "note": storable(note[:2_000]),
            "expires": expires_at,
        },
    )
    return f"assay_{name}_{secret}"


def revoke_key(connection: Connection, key: str) -> None:
    """Revoke a key by its name; from then on it is refused everywhere, its tokens too. Raises AssayError if there is none."""
    found = connection.execute(
        text("UPDATE assay.api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE key = :key RETURNING key"), {"key": key}
    ).first()
    if found is None:
        raise AssayError(f"key: found {key[:60]!r}; expected the name of a key, such as `assay keys list` shows")


def list_keys(connection: Connection) -> pd.DataFrame:
    """Every key, newest first, without secrets or their hashes."""
    return read_frame(
        connection,
        "SELECT key, lab, dataset, rights, networks, requests_per_minute, note, created_at, expires_at, revoked_at "
        "FROM assay.api_keys ORDER BY created_at DESC, key",
        {},
    )


def is_genuine(connection: Connection, key: str, secret: str) -> bool:
    """Whether the secret is that of the key; the same time is taken whether the key is known or not."""
    stored = connection.scalar(text("SELECT secret_sha256 FROM assay.api_keys WHERE key = :key"), {"key": key})
    return hmac.compare_digest(stored or _hash(""), _hash(secret)) and stored is not None


def admit(connection: Connection, key: str) -> ApiKey | Refused:
    """Count one request of a key and give what it may, or why it may not.

    The rate limit is the generic cell rate algorithm: one time stamp a key, moved on by every request, in one statement, so that
    any number of processes share one limit.
    """
    row = connection.execute(
        text(
            "UPDATE assay.api_keys SET next_request = greatest(next_request, clock_timestamp()) "
            "+ make_interval(secs => 60.0 / requests_per_minute) WHERE key = :key AND revoked_at IS NULL "
            "AND (expires_at IS NULL OR expires_at > clock_timestamp()) "
            "AND next_request <= clock_timestamp() + make_interval(secs => :burst) RETURNING key, lab, dataset, rights, networks"
        ),
        {"key": key, "burst": BURST_S},
    ).one_or_none()
    if row is not None:
        return ApiKey(row.key, row.lab, row.dataset, frozenset(row.rights), tuple(row.networks))
    return _why(
        connection.execute(
            text(
                "SELECT revoked_at IS NOT NULL AS revoked, expires_at <= clock_timestamp() AS expired, "
                "extract(epoch FROM next_request - clock_timestamp())::float - :burst AS wait "
                "FROM assay.api_keys WHERE key = :key"
            ),
            {"key": key, "burst": BURST_S},
        ).one_or_none()
    )


def parse_networks(networks: Sequence[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks from CIDR text. Raises AssayError that names the one which is none."""
    found = []
    for each in networks:
        try:
            found.append(ipaddress.ip_network(each))
        except ValueError as error:
            raise AssayError(f"network: found {each[:60]!r} ({error}); expected CIDR such as 192.0.2.0/24") from None
    return found


def _why(row: Row[tuple[bool, bool, float]] | None) -> Refused:
    if row is None:
        return Refused("unknown")
    if row.revoked:
        return Refused("revoked")
    if row.expired:
        return Refused("expired")
    return Refused("limited", max(row.wait, 0.1))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
