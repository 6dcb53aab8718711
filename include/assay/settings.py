"""One settings object; nothing else in Assay reads the environment.

Every field can be set by an environment variable: `ASSAY_` and the field's name in capitals. With nothing set, everything lives
in one folder (`var/` in the checkout), on an embedded PostgreSQL and a local Git repository.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assay.session import is_dataset_name

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def is_region(text: str) -> bool:
    """Whether a text has the form of an AWS region's name, such as `us-east-1`; it need not exist."""
    return _REGION.fullmatch(text) is not None


def project_root() -> Path:
    """The checkout that this package was installed from, or the working directory where it was installed as a wheel."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


class Settings(BaseSettings):
    """Where Assay keeps things and how strict it is."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=lambda: project_root() / "var", description="The one folder that holds all local state.")
    dataset: str = Field("default", description="The dataset that a command works on when it is not told another.")
    licence: str = Field("CC BY 4.0", description="Licence of what this installation measures itself.")
    attribution: str = Field("measured with Assay", description="Credit that goes with what this installation measures itself.")
    storage_url: str | None = Field(
        None, description="Object storage: `file:///folder` or `s3://bucket/prefix`. Default: a folder in `home`."
    )
    storage_region: str | None = Field(None, description="AWS region of the bucket, where the environment does not say.")
    storage_endpoint: str | None = Field(None, description="Endpoint of an S3 other than Amazon's, such as an emulator.")
    archive_url: str | None = Field(
        None,
        description="Where archives of raw sessions go: `archive/` of `file:///folder` or `s3://bucket/prefix`, or `release`: "
        "files of each snapshot's release. Default: `archive/` of the object storage.",
    )
    raw_retention_days: int = Field(
        30, ge=0, description="Raw objects of benchmarks are deleted after so many days, once they are published and archived."
    )
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL as an SQLAlchemy URL (`postgresql+psycopg2://...`). Default: the embedded server in `home`.",
    )
    max_raw_file_bytes: int = Field(64 * 1024 * 1024, gt=0, description="A larger benchmark raw file is quarantined, not read.")
    clock_tolerance_seconds: int = Field(300, ge=0, description="How far in the future a session may claim to have started.")
    host_sessions: int = Field(3, ge=1, le=100, description="Sessions that a run on this host measures.")
    host_executions: int = Field(2, ge=1, le=100, description="Executions of every tool in a session on this host.")
    quality_threshold: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of sessions that must be accepted (`quality_score` in `metadata.json`). Under it nothing new is "
        "published without approval. 0: no threshold.",
    )
    quarantine_threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the sessions that are new since the last snapshot which may be in quarantine; more needs approval.",
    )
    approval_hours: float = Field(
        24,
        gt=0,
        le=24 * 30,
        description="How long the DAG waits for approval where a snapshot needs it; no answer means no.",
    )
    approver: str | None = Field(
        None,
        max_length=60,
        description="Your name, for the commit of what you approve on the command line. Default: the commit gives none.",
    )
    tool_seconds: int = Field(3, ge=1, description="Time budget of one execution of a tool whose problem size can be chosen.")
    github_repository: str | None = Field(
        None, description="Publish to this GitHub repository, `owner/name`; `{dataset}` in it stands for the dataset's name."
    )
    github_token: SecretStr | None = Field(None, description="Token for it, with the permission `contents: write` and no other.")
    github_api: str = Field("https://api.github.com", description="GitHub's API, where it is not github.com's.")
    snapshot_file_bytes: int = Field(
        50_000_000, gt=0, description="A snapshot with a larger file is refused before anything is sent; GitHub refuses 100 MB."
    )
    snapshot_growth_bytes: int = Field(
        200_000_000,
        gt=0,
        description="A snapshot that adds more to the repository, compressed, is refused before anything is sent.",
    )
    keep_days: int = Field(
        365,
        ge=0,
        description="Dated folders of snapshots this many days older than the newest leave the branch; one a week stays. Their "
        "tags and releases stay.",
    )
    keep_weekly_days: int = Field(1095, ge=0, description="Before this many days one dated folder a quarter stays.")
    webhook_url: SecretStr | None = Field(
        None, description="Address that is told of every published snapshot by POST: https, or http on this machine."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Secret of 16 characters or more that signs it (HMAC-SHA256 in `X-Assay-Signature-256`)."
    )
    dispatch_repository: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$",
        description="GitHub repository, `owner/name`, that is told by a `repository_dispatch` of type `snapshot.published`.",
    )
    dispatch_token: SecretStr | None = Field(
        None, description="Token for it, with the permission `contents: write` there. Default: ASSAY_GITHUB_TOKEN."
    )
    sns_topic: str | None = Field(None, description="ARN of an SNS topic that is told of every published snapshot.")
    public_url: str | None = Field(
        None,
        description="Where the published repository can be read, for those who are told; `{dataset}` stands for the dataset's "
        "name. Default: the commit on raw.githubusercontent.com, if it is published on github.com.",
    )
    alarm_sns_topic: str | None = Field(None, description="ARN of an SNS topic that is told when a task of a DAG fails for good.")
    alarm_mail: str | None = Field(
        None, description="Mail address that is told of it, through Airflow's connection `smtp_default`."
    )
    alarm_mail_from: str | None = Field(None, description="Sender of that mail. Default: as the connection says.")
    metrics_namespace: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._/#-]{1,255}$",
        description="Namespace of Amazon CloudWatch that gets metrics: failed uploads, quarantine, differences. Default: off.",
    )
    serve_token: SecretStr | None = Field(
        None, description="Bearer token, of 16 characters or more, that `assay serve` asks for; needed beyond this machine."
    )
    serve_origins: str = Field(
        "*", description="Web origins whose pages may read the reporting API, separated by spaces; `*` is any, empty is none."
    )

    recordings_url: str | None = Field(
        None,
        description="Object storage of recordings, a bucket of their own under Object Lock: `s3://bucket/prefix` or "
        "`file:///folder`. Default: where everything else lies.",
    )
    ingest_secret: SecretStr | None = Field(
        None,
        description="Secret, of 32 characters or more, that signs the tokens of the ingestion API; the same for all its "
        "processes. Default: made once and kept in `home`.",
    )
    ingest_networks: str = Field(
        "", description="Networks that may use the ingestion API, as CIDR with spaces between them; empty is any."
    )
    ingest_max_file_bytes: int = Field(
        50 * 1024**3, gt=0, description="A recording's file of more bytes is refused by the ingestion API."
    )
    ingest_max_session_bytes: int = Field(
        200 * 1024**3, gt=0, description="A recording session of more bytes is refused by the ingestion API."
    )
    ship_url: str | None = Field(
        None, description="Ingestion API that `assay ship` sends to, such as `https://assay.example/recordings/`."
    )
    ship_key: SecretStr | None = Field(None, description="API key of the lab machine, from `assay keys create`.")
    fetch_url: str | None = Field(
        None, description="Ingestion API that `assay fetch` asks, such as `https://assay.example/recordings/`."
    )
    fetch_key: SecretStr | None = Field(None, description="API key of a reader, from `assay keys create --right read`.")
    ship_time_zone: str = Field(
        "UTC", description="Time zone of the lab, whose clocks name the folders: an IANA name such as Europe/Berlin."
    )
    ship_licence: str = Field("private", description="Licence of the lab's recordings.")
    ship_attribution: str = Field("recorded in the lab", description="Credit that goes with the lab's recordings.")
    recording_schemas: Path = Field(
        default_factory=lambda: project_root() / "schemas" / "recording",
        description="Folder of the labs' schemas of metadata: `<lab>/v<version>.json`.",
    )
    recording_queue: str | None = Field(
        None,
        description="URL of the SQS queue that the bucket of recordings tells of new manifests; `ingest_recordings` watches it.",
    )
    reconcile_hash_share: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Share of the objects that `assay fsck` and the nightly `reconcile` read and hash; of all others sizes are "
        "compared. At 0.01 an object is read about once in a hundred nights.",
    )
    processed_file_threads: int = Field(
        2,
        ge=1,
        le=64,
        description="Files of recordings that are preprocessed at the same time, each by a process of 300 MB at most.",
    )

    price_regions: str = Field(
        "us-east-1,us-west-2,eu-west-1",
        description="AWS regions whose prices are published, with commas; the first is that of the ranking `cost_efficiency`.",
    )
    price_endpoint: str | None = Field(None, description="Endpoint of a price list other than Amazon's, such as an emulator.")

    fleet_regions: str = Field(
        "us-east-1",
        description="AWS regions where machines may be started, in order of preference, with commas; `assay reap` looks at all "
        "of them, so that one is taken out only when no machine is left in it.",
    )
    fleet_market: Literal["spot", "on-demand"] = Field(
        "spot", description="How machines on EC2 are paid for; `spot` falls back to on-demand where there is no spot capacity."
    )
    fleet_max_dollars: float = Field(
        10.0, ge=0, description="USD that one run on EC2 may cost at most; a plan that could cost more is not started."
    )
    fleet_max_instances: int = Field(20, ge=0, le=1000, description="Machines that one run on EC2 may start at most.")
    fleet_max_hours: float = Field(
        2.0, gt=0, le=48, description="Hours that one machine may live; after its time it ends itself, and `assay reap` ends it."
    )
    fleet_executions: int = Field(6, ge=1, le=100, description="Executions of every tool in a session on EC2, at least.")
    fleet_half_width_percent: float = Field(
        2.0,
        ge=0,
        le=50,
        description="On EC2 a tool is run on until half the 95 % interval of its median is at most this many percent of it. 0: "
        "every tool is run `fleet_executions` times.",
    )
    fleet_most_executions: int = Field(
        0,
        ge=0,
        le=100,
        description="Executions of a tool on EC2 at most, where its interval stays wide. 0: twice `fleet_executions`.",
    )
    fleet_budget_minutes: int = Field(
        30, ge=1, le=1440, description="Minutes of measuring after which tools on EC2 are not run beyond `fleet_executions`."
    )
    fleet_tool_seconds: int = Field(
        10, ge=1, le=600, description="Time budget on EC2 of one execution of a tool whose problem size can be chosen."
    )
    fleet_tools: str = Field("", description="Tools that are run on EC2, with commas. Default: all that the machine can run.")
    fleet_owner: str = Field("assay", pattern=r"[\w.@-]{1,64}", description="Tag `assay:owner` of what is started on EC2.")
    fleet_image_owner: str = Field(
        "136693071363", pattern=r"\d{12}|self", description="AWS account that publishes the Debian 13 images."
    )
    fleet_poll_seconds: int = Field(30, ge=1, le=60, description="How often the machines of a run are looked at.")
    fleet_wait_minutes: int = Field(
        60, ge=0, le=1440, description="How long a machine waits for a quota or for capacity before it counts as not started."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("dataset")
    @classmethod
    def _name(cls, value: str) -> str:
        if not is_dataset_name(value):
            raise ValueError("expected lower case letters, digits and '-', 40 at most")
        return value

    @field_validator("price_regions", "fleet_regions")
    @classmethod
    def _regions(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        wrong = [name for name in names if not is_region(name)]
        if wrong or len(set(names)) < len(names):
            raise ValueError(f"found {value!r}; expected regions such as us-east-1, each once, with commas between them")
        return ",".join(names)

    @property
    def channels(self) -> tuple[str, ...]:
        """Who is told of a published snapshot, as the ledger calls them."""
        given = {"webhook": self.webhook_url, "dispatch": self.dispatch_repository, "sns": self.sns_topic}
        return tuple(channel for channel, where in given.items() if where is not None)

    def base_url(self, dataset: str, commit: str) -> str:
        """Where the repository of a dataset can be read at a commit, or as of now; empty if that is not known."""
        if self.public_url is not None:
            return self.public_url.replace("{dataset}", dataset).rstrip("/")
        if self.github_repository is None or self.github_api != "https://api.github.com":
            return ""
        return f"https://raw.githubusercontent.com/{self.github_repository.replace('{dataset}', dataset)}/{commit}"

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions whose prices are published, in order."""
        return tuple(self.price_regions.split(","))

    @property
    def machine_regions(self) -> tuple[str, ...]:
        """The regions where machines may be started, in order of preference."""
        return tuple(self.fleet_regions.split(","))

    @property  # not cached: a copy with another folder or bucket would keep the old one
    def object_storage_url(self) -> str:
        """Where raw and processed objects lie."""
        return self.storage_url or (self.home / "storage").as_uri()

    @property
    def recordings_storage_url(self) -> str:
        """Where recordings lie."""
        return self.recordings_url or self.object_storage_url

    def git_repository(self, dataset: str) -> Path:
        """The local bare repository that a dataset is published to."""
        return self.home / ("dataset.git" if dataset == "default" else f"dataset-{dataset}.git")
