"""The documents about the dataset itself: metadata, quarantine, changes and the manifest."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, RootModel

from assay.dataset.models.base import Day, Document, Moment, Published, SessionId, Sha256, measured_in


class Credit(Published):
    """Whose data this is."""

    source: str = Field(description="Who made the sessions.")
    attribution: str = Field(description="Credit to keep with any copy.")
    licence: str = Field(description="Licence of this source's data.")
    url: str | None = Field(None, description="Where the source is published.")
    sessions: int = Field(ge=1, description="Sessions of this source in the dataset.", json_schema_extra=measured_in("count"))


class Accounting(Published):
    """Where every session that was read stands: read = accepted + quarantined + rejected."""

    read: int = Field(ge=0, description="Sessions, and files that could not form one.", json_schema_extra=measured_in("count"))
    accepted: int = Field(ge=0, description="Sessions that went in.", json_schema_extra=measured_in("count"))
    quarantined: int = Field(
        ge=0, description="Sessions kept out, with reasons in `quarantine.json`.", json_schema_extra=measured_in("count")
    )
    rejected: int = Field(ge=0, description="Files that could not form a session.", json_schema_extra=measured_in("count"))


class MetadataCounts(Published):
    """How much there is."""

    instance_types: int = Field(
        ge=0, description="Instance types and hosts with a published value.", json_schema_extra=measured_in("count")
    )
    families: int = Field(ge=0, description="Families of those.", json_schema_extra=measured_in("count"))
    sessions: int = Field(ge=0, description="Accepted sessions.", json_schema_extra=measured_in("count"))
    measurements: int = Field(
        ge=0, description="Values of executions behind the published statistics.", json_schema_extra=measured_in("count")
    )


class MachineFacts(Published):
    """Where family, architecture, generation and size of instance types are from; of a host, the host itself says them."""

    source: str = Field(description="Origin of the facts.")
    as_of: Day = Field(description="As of when.")


class DocumentEntry(Published):
    """One published document."""

    path: str = Field(description="File name, beside this document.")
    bytes: int = Field(ge=0, description="Size in bytes.", json_schema_extra=measured_in("bytes"))
    sha256: Sha256
    document_schema: str | None = Field(
        None, alias="schema", description="Its JSON Schema, relative to `data/processed/latest/`; absent for tables."
    )


class MetadataDocument(Document):
    """metadata.json: what this dataset is, who made it, how good it is, and what belongs to it."""

    dataset: str = Field(description="Name of the dataset; its licence is fixed when it is made.")
    dataset_version: Day = Field(description="Day of `last_updated`.")
    last_updated: Moment = Field(description="End of the newest session that contributed, UTC.")
    licence: str = Field(description="Licence of the dataset.")
    attribution: list[Credit] = Field(description="Whose sessions went in.")
    implementations: dict[str, str] = Field(description="Program that fills the container of each benchmark.")
    counts: MetadataCounts = Field(description="How much there is in the dataset.")
    accounting: Accounting = Field(description="Where every session that was read stands.")
    machine_facts: MachineFacts = Field(description="Where what is said of instance types is from.")
    quality_score: float = Field(
        ge=0,
        le=1,
        description="accepted / read: the share of what came in that passed every check.",
        json_schema_extra=measured_in("ratio"),
    )
    grades: dict[str, str] = Field(description="What each quality grade means.")
    documents: list[DocumentEntry] = Field(
        description="Every document of this snapshot but this one, the bundle and the manifest."
    )


class Reason(Published):
    """Why a session is kept out."""

    rule: str = Field(description="Stable id of the rule.")
    file: str = Field(description="Raw file within the session; empty if it is about the session as a whole.")
    value: str = Field(description="What was found.")
    expected: str = Field(description="What was expected.")
    message: str = Field(description="The sentence for a person.")


class QuarantinedSession(Published):
    """A session that is kept, but not published."""

    session: SessionId
    kind: str = Field(description="What was recorded in it.")
    subject: str = Field(description="What it says it measured.")
    reasons: list[Reason] = Field(description="Every rule that kept it out.")


class QuarantineDocument(RootModel[list[QuarantinedSession]]):
    """quarantine.json: what was kept out of the dataset and why."""


class ManifestFile(Published):
    """A file with its size and hash."""

    path: str = Field(description="Path, relative to the folder of the manifest or of the session.")
    bytes: int = Field(ge=0, description="Size in bytes.", json_schema_extra=measured_in("bytes"))
    sha256: Sha256


class ManifestSession(Published):
    """A session that went in, down to its raw bytes."""

    session: SessionId
    kind: str = Field(description="What was recorded in it.")
    subject: str = Field(description="What was measured: an instance type or a host label.")
    ended_at: Moment | None = Field(None, description="When it ended, UTC; absent in older snapshots.")
    manifest_sha256: Sha256
    files: list[ManifestFile] = Field(min_length=1, description="Its raw files, as the tools printed them.")


class ManifestDocument(Document):
    """manifest.json: every file of the snapshot and every session that went in, with their hashes."""

    content_digest: Sha256 = Field(description="Over the data in the documents: two snapshots with the same digest say the same.")
    files: list[ManifestFile] = Field(description="Every file of the snapshot but this one.")
    history: list[ManifestFile] = Field(
        description="The documents over time of the same commit, which are not repeated in every snapshot's folder; "
        "paths from `data/processed/`."
    )
    sessions: list[ManifestSession] = Field(description="Every session that went in.")


class Moved(Published):
    """A value that is not what it was."""

    instance: str = Field(description="Instance type or host label.")
    metric: str = Field(description="`<benchmark>.<metric>`.")
    before: float = Field(
        alias="from", description="Value in the snapshot before, in `unit`.", json_schema_extra=measured_in("@unit")
    )
    to: float = Field(description="Value now, in `unit`.", json_schema_extra=measured_in("@unit"))
    unit: str = Field(description="Unit of both.")
    beyond_noise: bool = Field(description="Whether the two confidence intervals do not overlap.")


class Replaced(Published):
    """A value whose place another configuration fills now."""

    instance: str = Field(description="Instance type or host label.")
    metric: str = Field(description="`<benchmark>.<metric>`.")
    before: str = Field(alias="from", description="Configuration in the snapshot before.")
    to: str = Field(description="Configuration now.")


NameList = Annotated[list[str], Field(description="Sorted.")]


class ChangesDocument(Document):
    """changes.json: what is different from the snapshot before."""

    since: str = Field(description="Name of the snapshot before; empty for the first.")
    new: NameList = Field(description="Instance types that were not there.")
    gone: NameList = Field(description="Instance types that are no longer there.")
    moved: list[Moved] = Field(description="Values that changed by more than rounding.")
    replaced: list[Replaced] = Field(description="Values that come from another configuration now; not comparable.")
    quarantined: list[SessionId] = Field(description="Sessions that were put into quarantine since.")
    released: list[SessionId] = Field(description="Sessions that were in quarantine and went in.")


__all__ = ["ChangesDocument", "ManifestDocument", "MetadataDocument", "QuarantineDocument"]
