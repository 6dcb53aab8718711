"""What the ingestion API is sent and what it answers, with examples that hold together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assay.session import MAX_FILES, MAX_PATH_CHARS, MAX_TEXT_CHARS, Manifest, RawFile, SessionKind, Source
from assay.storage.uploads import MAX_PARTS, PART_BYTES

MOST_AT_ONCE = 100
"""Files, or parts, that one request may ask for."""
MOST_BYTES = 2**53

SESSION_FORM = r"^\d{8}T\d{6}Z-[0-9a-f]{12}$"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Path = Annotated[str, Field(min_length=1, max_length=MAX_PATH_CHARS, description="Path within the session's folder.")]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$", description="UTC, to the second.")]

_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_OTHER = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
_BIG = 40 * 1024 * 1024
EXAMPLE = Manifest(
    kind=SessionKind.RECORDING,
    subject="sleep-lab",
    started_at=datetime(2024, 2, 29, 15, 12, 21, tzinfo=UTC),
    ended_at=datetime(2024, 2, 29, 16, 2, 11, tzinfo=UTC),
    source=Source("assay-ship", "0.1.0", "CC BY 4.0", "Sleep lab"),
    files=(RawFile("metadata.txt", 212, _HASH), RawFile("signals.edf", _BIG, _OTHER)),
    labels={"folder": "20240229_161221"},
)
_MANIFEST: dict[str, Any] = orjson.loads(EXAMPLE.to_bytes())


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FileBody(_Sent):
    """One file of the session."""

    path: Path
    size: int = Field(ge=0, le=MOST_BYTES, description="Bytes.")
    sha256: Sha256 = Field(description="SHA-256 of the content, hex.")


class SourceBody(_Sent):
    """Who made the session and under which licence."""

    name: Text
    version: Text
    licence: Text
    attribution: Text
    url: Text = ""


class ManifestBody(_Sent):
    """The manifest of a recording: what `manifest.json` will hold, written last."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_MANIFEST]})

    manifest_version: Literal[1]
    session: str = Field(pattern=SESSION_FORM, description="UTC start and the first 12 hex digits of the files' digest.")
    kind: Literal["recording"]
    dataset: str = Field(max_length=40, description="The dataset of the API key.")
    subject: str = Field(max_length=64, description="The lab of the API key.")
    started_at: Moment
    ended_at: Moment
    source: SourceBody
    labels: dict[str, Text] = Field(default_factory=dict, max_length=1_000, description="Such as `folder`, the folder's name.")
    files: list[FileBody] = Field(min_length=1, max_length=MAX_FILES)


class Announcement(_Sent):
    """A session that is about to come."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"manifest": _MANIFEST}]})

    manifest: ManifestBody


class WantedUploads(_Sent):
    """Files that the client wants to send now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"paths": ["metadata.txt", "signals.edf"]}]})

    paths: list[Path] = Field(min_length=1, max_length=MOST_AT_ONCE)


class PartBody(_Sent):
    """One part of a large file."""

    number: int = Field(ge=1, le=MAX_PARTS, description="From 1.")
    sha256: Sha256 = Field(description="SHA-256 of the part, hex.")


class WantedParts(_Sent):
    """Parts of a large file that the client wants to send now."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"path": "signals.edf", "parts": [{"number": 1, "sha256": _HASH}]}]},
    )

    path: Path
    parts: list[PartBody] = Field(min_length=1, max_length=MOST_AT_ONCE)


class Assembly(_Sent):
    """A large file whose parts have all been sent."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"path": "signals.edf", "parts": [_HASH, _OTHER, _HASH]}]}
    )

    path: Path
    parts: list[Sha256] = Field(min_length=1, max_length=MAX_PARTS, description="SHA-256 of every part, in order.")


class Failure(_Sent):
    """What a shipper could not do, for people to look at."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"folder": "20240229_161221", "message": "signals.edf: changed while it was sent"}]},
    )

    folder: str = Field(min_length=1, max_length=255, description="Name of the folder.")
    session: str = Field("", pattern=r"^$|" + SESSION_FORM, description="Session id, where there is one.")
    message: str = Field(min_length=1, max_length=MAX_TEXT_CHARS, description="Which file, what was found, what was expected.")


class Token(BaseModel):
    """A token for the other requests."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"access_token": "eyJ...", "token_type": "bearer"}]})

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - not a password
    expires_in: int = Field(900, description="Seconds.")
    lab: str
    dataset: str
    rights: list[str]


class Standing(BaseModel):
    """Where a session stands that is being brought."""

    session: str
    state: Literal["announced", "complete"]
    prefix: str = Field(description="Where it lies in raw storage.")
    stored: list[str] = Field(description="Paths that are there already, when it is not complete.")
    missing: int = Field(ge=0, description="How many files are not there yet.")


class SignedRequest(BaseModel):
    """A request that may be made once, within 15 minutes, with exactly these headers."""

    method: Literal["PUT", "GET"]
    url: str = Field(description="Absolute, or relative to the address of this API.")
    headers: dict[str, str]


class FileUpload(BaseModel):
    """How to send one file."""

    path: str
    how: Literal["stored", "whole", "parts", "assemble"] = Field(
        description="`stored`: it is there. `whole`: make `request`. `parts`: send parts of `part_bytes` and have them "
        "assembled. `assemble`: all parts are there, have them assembled."
    )
    request: SignedRequest | None = None
    part_bytes: int | None = Field(None, description=f"Size of every part but the last; {PART_BYTES} or more.")
    arrived: list[PartBody] = Field(default_factory=list, description="Parts that are there already.")


class Uploads(BaseModel):
    """How to send each file, in the order asked."""

    files: list[FileUpload]


class PartUpload(BaseModel):
    """How to send one part."""

    number: int
    request: SignedRequest


class Parts(BaseModel):
    """How to send each part, in the order asked."""

    parts: list[PartUpload]


class Done(BaseModel):
    """It is done; asking again changes nothing."""

    status: Literal["done"] = "done"
