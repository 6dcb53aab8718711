"""The shapes of the answers; numbers and texts in them are rounded and redacted as in the published documents."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_KEY = {
    "benchmark": "stream",
    "metric": "triad_bandwidth",
    "implementation": "assay-stream",
    "version": "1",
    "threads": "all",
    "size_policy": "4x-llc",
    "build_flags": "gcc 12.2.0 -O3 -march=native",
}
_DIGEST = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"
_SESSION = "20241120T093011Z-3fa9c2d1e0b4"
_FINDING = {
    "rule": "physics.latency-order",
    "severity": "quarantine",
    "file": "latency-one/1/stdout.txt",
    "value": "1.93 ns",
    "expected": "DRAM at least 5x L1",
    "message": "L1 and DRAM answer in 1.93 ns",
}
_ROW = {
    "session": _SESSION,
    "kind": "instance_benchmark",
    "subject": "m7i.large",
    "state": "judged",
    "verdict": "quarantined",
    "published": False,
    "started_at": "2024-11-20T09:30:11Z",
    "ended_at": "2024-11-20T09:41:02Z",
    "source": "assay-agent",
    "licence": "CC BY 4.0",
    "attribution": "measured with Assay",
    "findings": [_FINDING],
}
_STATISTIC = {
    "instance": "m7i.large",
    "instance_family": "m7i",
    "architecture": "intel",
    **_KEY,
    "unit": "GB/s",
    "n": 6,
    "sessions": 3,
    "median": 47.9,
    "confidence_interval": [47.2, 48.6],
    "confidence_level": 0.96875,
    "mean": 47.88,
    "sd": 0.41,
    "coefficient_variation": 0.86,
    "min": 47.2,
    "max": 48.6,
    "p05": 47.25,
    "p95": 48.5,
    "quality": "A",
    "provisional": False,
    "sources": [_SESSION],
}
_RANKING = {
    "name": "triad_bandwidth",
    "key": _KEY,
    "unit": "GB/s",
    "higher_is_better": True,
    "members": 2,
    "ranks": [{"rank": 1, "instance": "m7i.large", "value": 47.9, "confidence_interval": [47.2, 48.6], "quality": "A"}],
}


def _example(**shown: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [shown]})


class Listed(BaseModel):
    """A document of the live view."""

    path: str = Field(description="Name, below /v1/latest/.", examples=["memory-benchmarks.json"])
    title: str = Field(description="What it says.", examples=["memory bandwidth by type"])
    bytes: int = Field(ge=0, description="Size, uncompressed.", examples=[20480])
    sha256: str = Field(description="SHA-256 of its bytes; also its ETag.", examples=[_DIGEST])
    schema_path: str | None = Field(None, description="Its JSON Schema, in the dataset repository.")


class Latest(BaseModel):
    """What there is now."""

    model_config = _example(
        dataset="default", content_digest=_DIGEST, published_as="2024-11-20", last_snapshot="2024-11-20", sessions_waiting=0,
        documents=[{"path": "memory-benchmarks.json", "title": "memory bandwidth by type", "bytes": 20480, "sha256": _DIGEST,
                    "schema_path": "data/schemas/v1.1.0/memory-benchmark.schema.json"}],
    )  # fmt: skip

    dataset: str = Field(description="Name of the dataset.")
    content_digest: str = Field(description="Digest of the content: the same digest says the same.")
    published_as: str | None = Field(None, description="The published snapshot that says the same, if one does.")
    last_snapshot: str | None = Field(None, description="The snapshot published last, if there is one.")
    sessions_waiting: int = Field(ge=0, description="Accepted sessions that are in no published snapshot yet.")
    documents: list[Listed] = Field(description="The documents, by name.")


class Finding(BaseModel):
    """What a rule found in a session."""

    model_config = _example(**_FINDING)

    rule: str = Field(description="Stable id of the rule; docs/rules.md explains it.")
    severity: Literal["warning", "quarantine"] = Field(description="What it does to the session.")
    file: str = Field(description="Raw file that it is about; may be empty.")
    value: str = Field(description="What was found.")
    expected: str = Field(description="What was expected.")
    message: str = Field(description="The sentence for a person.")


class Session(BaseModel):
    """A session and where it stands."""

    model_config = _example(**_ROW)

    session: str = Field(description="Id: UTC start and a digest of the raw files.")
    kind: str = Field(description="What was recorded.")
    subject: str = Field(description="Instance type or host label; `<other>` for anything else.")
    state: Literal["arrived", "verified", "read", "judged"] = Field(description="Where it stands on its path.")
    verdict: Literal["accepted", "accepted with warnings", "quarantined", "rejected"] | None = Field(
        None, description="The outcome; absent until it is judged."
    )
    published: bool = Field(description="Whether its numbers are in a published snapshot.")
    snapshot: str | None = Field(None, description="The first published snapshot that it went into.")
    started_at: str = Field(description="Start, UTC.")
    ended_at: str = Field(description="End, UTC.")
    source: str = Field(description="Who made it: our agent, or a public source.")
    licence: str = Field(description="Licence of its data.")
    attribution: str = Field(description="Credit that goes with its data.")
    url: str | None = Field(None, description="Where the source is described.")
    findings: list[Finding] = Field(description="What the rules found in it.")


class Statistic(BaseModel):
    """What was computed over the executions that share an aggregation key."""

    model_config = _example(**_STATISTIC)

    instance: str = Field(description="Instance type or host label.")
    instance_family: str = Field(description="Its family; `host` for a machine that is no EC2 instance.")
    architecture: str = Field(description="Its architecture.")
    benchmark: str = Field(description="Benchmark.")
    metric: str = Field(description="Metric within the benchmark.")
    implementation: str = Field(description="Program that gave the numbers.")
    version: str = Field(description="Version of that program.")
    threads: str = Field(description="Thread mode: `all`, `one`, a count, or `unknown`.")
    size_policy: str = Field(description="How the problem size was chosen.")
    build_flags: str = Field(description="Compiler and flags.")
    unit: str = Field(description="Unit of every number here that is neither a count nor in percent.")
    n: int = Field(ge=1, description="Executions.")
    sessions: int = Field(ge=1, description="Sessions that they come from.")
    median: float = Field(description="Median: the published value.")
    confidence_interval: tuple[float, float] | None = Field(None, description="Of the median; absent under 3 executions.")
    confidence_level: float | None = Field(None, description="Probability with which such an interval covers the median.")
    mean: float = Field(description="Arithmetic mean.")
    sd: float | None = Field(None, description="Standard deviation with n - 1; absent under 2 executions.")
    coefficient_variation: float | None = Field(None, description="100 sd / |mean|, in percent.")
    min: float = Field(description="Smallest execution.")
    max: float = Field(description="Largest execution.")
    p05: float | None = Field(None, description="5th percentile.")
    p95: float | None = Field(None, description="95th percentile.")
    quality: str | None = Field(None, description="Quality grade.")
    provisional: bool = Field(description="Fewer than 3 executions: no interval, in no ranking.")
    sources: list[str] = Field(description="The sessions.")


class Rank(BaseModel):
    """A member of a ranking."""

    rank: int = Field(ge=1, description="Dense, from 1; shared where the intervals overlap that of the rank's best member.")
    instance: str = Field(description="Instance type or host label.")
    value: float = Field(description="Median, in the ranking's unit.")
    confidence_interval: tuple[float, float] | None = Field(None, description="Of the median.")
    quality: str | None = Field(None, description="Quality grade.")


class Ranking(BaseModel):
    """Types ordered by one metric under one ranking key."""

    model_config = _example(**_RANKING)

    name: str = Field(description="Name, as in instance-rankings.json.")
    key: dict[str, str] = Field(description="The ranking key: what is equal for all members.")
    unit: str = Field(description="Unit of every value.")
    higher_is_better: bool = Field(description="Whether the largest value ranks first.")
    members: int = Field(ge=1, description="Members that passed the filters; `ranks` holds the first `top`.")
    ranks: list[Rank] = Field(description="The members, best first; ranks are counted among them alone.")


class Page(BaseModel):
    """What every page of a list says of itself."""

    total: int = Field(ge=0, description="Rows that passed the filters.", examples=[1])
    limit: int = Field(ge=1, description="Most rows of a page.", examples=[100])
    offset: int = Field(ge=0, description="Rows left out before this page.", examples=[0])
    next: str | None = Field(
        None, description="The next page, relative to this one; absent on the last.", examples=["?offset=100"]
    )


class OfView(Page):
    """A page of what was computed."""

    content_digest: str = Field(
        description="State of the data that the page is of: pages with the same digest fit together.", examples=[_DIGEST]
    )


class Sessions(Page):
    """Sessions, newest first."""

    model_config = _example(total=1, limit=100, offset=0, items=[_ROW])

    items: list[Session] = Field(description="The rows.")


class Statistics(OfView):
    """Statistics, by instance, benchmark, metric and the rest of the key."""

    model_config = _example(total=1, limit=100, offset=0, content_digest=_DIGEST, items=[_STATISTIC])

    items: list[Statistic] = Field(description="The rows.")


class Rankings(OfView):
    """Rankings, by name."""

    model_config = _example(total=1, limit=20, offset=0, content_digest=_DIGEST, items=[_RANKING])

    items: list[Ranking] = Field(description="The rankings.")


class Health(BaseModel):
    """That the server answers."""

    model_config = _example(status="ok", dataset="default")

    status: Literal["ok"] = Field(description="It answers.")
    dataset: str = Field(description="The dataset that it serves.")
