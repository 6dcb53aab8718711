"""Contents to build datasets from: real summaries of made measurements, so that every statistic is one that could occur."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from assay.check.rule import FINDING_COLUMNS
from assay.dataset.content import Counts, DatasetContent, PreviousSnapshot
from assay.measurement import Execution, Measurement, measurement_frame
from assay.summarize.grades import definitions
from assay.summarize.statistics import summarize

START = datetime(2024, 11, 20, 9, 0, tzinfo=UTC)

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "m7i.large": {
        "architecture": "graviton",  # wrong on purpose: of an instance type the catalogue is believed
        "numa_nodes": 1,
        "l2_bytes": 2097152,
        "vector_unit": "avx512f",
        "hostname": "ip-10-1-2-3.ec2.internal",
    },
    "host-1a2b3c4d": {"architecture": "intel", "instance_family": "host", "numa_nodes": 1, "processor": "Xeon at 10.1.2.3"},
}


@dataclass
class Series:
    """Executions of one metric on one subject: `values[i]` are those of its i-th session."""

    subject: str
    benchmark: str
    metric: str
    unit: str
    values: list[list[float]]
    implementation: str = "assay-stream"
    version: str = "1"
    threads: str = "all"
    size_policy: str = "4x-llc"
    build_flags: str = "gcc 12.2.0 -O3 -march=native"
    extra: dict[str, Any] = field(default_factory=dict)


def session_name(subject: str, number: int) -> str:
    """The id of a subject's n-th session, one an hour."""
    digest = hashlib.sha256(f"{subject}/{number}".encode()).hexdigest()
    return f"{START + timedelta(hours=number):%Y%m%dT%H%M%SZ}-{digest[:12]}"


def stream(subject: str, level: float, sessions: int = 3, executions: int = 2, **options: Any) -> list[Series]:
    """STREAM's four kernels around a level in GB/s, with a spread of about one percent that the subject's name decides."""
    factors = {"triad_bandwidth": 1.0, "copy_bandwidth": 1.07, "scale_bandwidth": 0.98, "add_bandwidth": 1.01}
    series = []
    for metric, factor in factors.items():
        # Seeded by what is measured, so that more sessions are the same sessions and some more.
        rng = np.random.default_rng(int(_digest(f"{subject} {metric}")[:8], 16))
        values = (level * factor * rng.normal(1, 0.01, (sessions, executions))).tolist()
        series.append(Series(subject, "stream", metric, "GB/s", values, **options))
    return series


def simple(subject: str, benchmark: str, metric: str, unit: str, level: float, sessions: int = 3, **options: Any) -> Series:
    """One metric around a level: two executions a session, a half percent apart."""
    values = [[level * (1 + 0.005 * number), level * (1 - 0.005 * number)] for number in range(1, sessions + 1)]
    return Series(subject, benchmark, metric, unit, values, **options)


def fleet() -> list[Series]:
    """Three types and a host with everything that the agent measures; one type has too few executions."""
    series: list[Series] = []
    for subject, level, sessions in (
        ("m7i.large", 47.9, 3),
        ("c7g.large", 55.1, 3),
        ("host-1a2b3c4d", 20.0, 3),
        ("c7a.large", 61.0, 1),
    ):
        series += stream(subject, level, sessions)
        series += stream(subject, level / 3, sessions, threads="one")
        series.append(simple(subject, "hpl", "gflops", "GFLOPS", level, sessions, implementation="hpcc-hpl", version="1.5.0"))
        series.append(
            simple(
                subject, "hpl", "gflops", "GFLOPS", level / 4, sessions, implementation="hpcc-hpl", version="1.5.0", threads="one"
            )
        )
        for metric, nanoseconds in (("l1_latency", 1.6), ("l2_latency", 5.0), ("l3_latency", 25.0), ("dram_latency", 95.0)):
            series.append(
                simple(
                    subject,
                    "cache_latency",
                    metric,
                    "nanoseconds",
                    nanoseconds,
                    sessions,
                    implementation="assay-chase",
                    threads="one",
                )
            )
    series.append(simple("m7i.large", "core_clock", "sustained_clock", "GHz", 2.5, implementation="assay-clock"))
    series.append(simple("m7i.large", "core_clock", "sustained_clock", "GHz", 2.8, implementation="assay-clock", threads="one"))
    series += stream("m7i.large", 46.0, implementation="hpcc-stream", version="1.5.0")
    series.append(simple("m7i.large", "passmark", "cpu_mark", "score", 5000.0, implementation="passmark", version="11"))
    series.append(simple("c7g.large", "bw_mem", "read_512mib", "MB/s", 23000.0, implementation="lmbench", version="unknown"))
    return series


def measurements(series: Iterable[Series]) -> pd.DataFrame:
    """The tidy table of these series."""
    rows = []
    for item in series:
        for number, values in enumerate(item.values):
            for execution, value in enumerate(values, start=1):
                run = Execution(
                    tool=item.benchmark,
                    execution=execution,
                    implementation=item.implementation,
                    version=item.version,
                    threads=item.threads,
                    size_policy=item.size_policy,
                    build_flags=item.build_flags,
                )
                file = f"{item.benchmark}-{item.threads}/{execution}/stdout.txt"
                rows.append(
                    (
                        session_name(item.subject, number),
                        item.subject,
                        run,
                        Measurement(item.benchmark, item.metric, value, item.unit),
                        file,
                    )
                )
    return measurement_frame(rows)


def session_frames(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sessions, raw files) behind a tidy table; hashes follow from the names."""
    sessions, files = [], []
    for (session, subject), rows in table.groupby(["session", "subject"]):
        started = datetime.strptime(str(session)[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        sessions.append(
            {
                "session": str(session),
                "kind": "instance_benchmark",
                "subject": str(subject),
                "started_at": started,
                "ended_at": started + timedelta(minutes=10),
                "source": "assay-agent",
                "licence": "CC BY 4.0",
                "attribution": "measured with Assay",
                "url": "",
                "manifest_sha256": _digest(f"{session} manifest"),
                "profile": dict(PROFILES.get(str(subject), {})),
            }
        )
        for path in sorted({*rows["file"], "profile.json"}):
            files.append({"session": str(session), "path": path, "size": len(path), "sha256": _digest(f"{session} {path}")})
    columns = [
        "session",
        "kind",
        "subject",
        "started_at",
        "ended_at",
        "source",
        "licence",
        "attribution",
        "url",
        "manifest_sha256",
        "profile",
    ]
    return pd.DataFrame(sessions, columns=columns), pd.DataFrame(files, columns=["session", "path", "size", "sha256"])


def quarantined_pair() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One session in quarantine and its finding, which quotes what must not be published."""
    session = session_name("t3.micro", 0)
    sessions = pd.DataFrame(
        [{"session": session, "kind": "instance_benchmark", "subject": "t3.micro", "started_at": START, "ended_at": START}]
    )
    finding = {
        "session": session,
        "rule": "physics.latency-order",
        "severity": "quarantine",
        "file": "cache_latency-one/1/stdout.txt",
        "value": "instance i-0abc1234def567890 at 10.1.2.3",
        "expected": "DRAM at least 5x L1",
        "message": "/home/someone/run on ip-10-1-2-3.ec2.internal (account 123456789012, fe80::1ff:fe23:4567:890a): 1.93 ns",
    }
    return sessions, pd.DataFrame([finding], columns=list(FINDING_COLUMNS))


def make_content(
    series: Iterable[Series] | None = None,
    *,
    dataset: str = "default",
    previous: PreviousSnapshot | None = None,
    quarantine: bool = True,
) -> DatasetContent:
    """A whole dataset's content; by default that of `fleet`, with one session in quarantine."""
    table = measurements(fleet() if series is None else series)
    sessions, raw_files = session_frames(table)
    quarantined, findings = quarantined_pair()
    if not quarantine:
        quarantined, findings = quarantined.iloc[:0], findings.iloc[:0]
    warned = {
        "session": session_name("m7i.large", 0),
        "rule": "stability.cv",
        "severity": "warning",
        "file": "",
        "value": "6.3 %",
        "expected": "at most 5 %",
        "message": "triad 6.3 % > 5 %",
    }
    findings = pd.concat([findings, pd.DataFrame([warned])], ignore_index=True)
    return DatasetContent(
        dataset=dataset,
        licence="CC BY 4.0",
        statistics=summarize(table),
        sessions=sessions,
        raw_files=raw_files,
        quarantined=quarantined,
        findings=findings,
        accounting=Counts(len(sessions) + len(quarantined), len(sessions), len(quarantined), 0),
        grades=definitions(),
        measurements=table,
        previous=previous,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
