"""Filters over the live view and the ledger: rows in, rows as they are answered out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from assay.dataset.encode import rounded
from assay.dataset.redact import redact
from assay.dataset.subject import HOST_PREFIX
from assay.measurement import AGGREGATION_KEY, RANKING_KEY
from assay.reference import catalogue
from assay.reference.names import is_instance_type
from assay.serve.answers import Finding, Rank, Ranking, Session, Statistic
from assay.serve.filters import Machines, RankingFilter, StatisticFilter
from assay.serve.view import View
from assay.session import format_time
from assay.summarize.rankings import rank

OTHER_SUBJECT = "<other>"

_HOST = re.compile(re.escape(HOST_PREFIX) + "[0-9a-f]{8}")
_SIZE = re.compile(r"nano|micro|small|medium|(?:\d*x)?large|metal(?:-\d+xl)?")
_NUMBERS = ("mean", "sd", "min", "max", "p05", "p95", "confidence_level")
_ORDER = [*AGGREGATION_KEY, "unit"]


def statistic_rows(view: View, wanted: StatisticFilter) -> tuple[int, list[Statistic]]:
    """How many statistics pass the filter, and a page of them in the order of their aggregation key and unit."""
    frame = view.statistics
    passed = frame[_passes(frame, wanted).to_numpy()].sort_values(_ORDER, kind="stable")
    page = passed.iloc[wanted.offset : wanted.offset + wanted.limit]
    return len(passed), [_statistic(row) for row in page.to_dict("records")]


def ranking_rows(view: View, wanted: RankingFilter) -> tuple[int, list[Ranking]]:
    """How many rankings have a member that passes the filter, and a page of them by name, ranked anew among those members."""
    frame = view.ranked
    passed = frame[_passes(frame, wanted).to_numpy()]
    names = sorted(passed["name"].unique())
    page = names[wanted.offset : wanted.offset + wanted.limit]
    groups = dict(iter(passed[passed["name"].isin(page)].groupby("name", sort=False)))
    return len(names), [_ranking(name, view.rankings[name], groups[name], wanted.top) for name in page]


def session_rows(sessions: pd.DataFrame, findings: pd.DataFrame) -> list[Session]:
    """Rows of the ledger (LISTED_COLUMNS) with their findings, redacted as in quarantine.json."""
    found: dict[str, list[Finding]] = {}
    for row in findings.fillna("").to_dict("records"):
        texts = {name: redact(str(row[name])) for name in ("file", "value", "expected", "message")}
        found.setdefault(str(row["session"]), []).append(Finding(rule=row["rule"], severity=row["severity"], **texts))
    return [_session(row, found.get(str(row["session"]), [])) for row in sessions.to_dict("records")]


def shown_subject(subject: str) -> str:
    """The subject if it is an instance type or a host label; a manifest may hold anything, also the name of a machine."""
    named = is_instance_type(subject) and (_SIZE.fullmatch(subject.split(".")[1]) or catalogue.facts(subject))
    return subject if named or _HOST.fullmatch(subject) else OTHER_SUBJECT


def _passes(frame: pd.DataFrame, wanted: Machines) -> pd.Series[bool]:
    keep = frame["n"] >= wanted.min_n
    for column, values in (
        ("instance_family", wanted.family),
        ("architecture", wanted.architecture),
        ("subject", wanted.instance),
        ("benchmark", wanted.benchmark),
        ("implementation", wanted.implementation),
        ("threads", wanted.threads),
        ("quality", wanted.quality),
    ):
        if values:
            keep &= frame[column].isin(values)
    if wanted.metric:
        whole = frame["benchmark"].astype("object") + "." + frame["metric"].astype("object")
        keep &= frame["metric"].isin(wanted.metric) | whole.isin(wanted.metric)
    return keep


def _statistic(row: Mapping[Any, Any]) -> Statistic:
    has_interval = not pd.isna(row["ci_low"])
    return Statistic(
        instance=row["subject"],
        instance_family=row["instance_family"],
        architecture=row["architecture"],
        **{name: row[name] for name in RANKING_KEY},
        unit=row["unit"],
        n=row["n"],
        sessions=row["sessions"],
        median=rounded(row["median"]),
        confidence_interval=(rounded(row["ci_low"]), rounded(row["ci_high"])) if has_interval else None,
        coefficient_variation=_number(row["cv"]),
        **{name: _number(row[name]) for name in _NUMBERS},
        quality=None if pd.isna(row["quality"]) else row["quality"],
        provisional=not has_interval,
        sources=[str(session) for session in row["session_ids"]],
    )


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else rounded(float(value))


def _ranking(name: str, published: Mapping[str, Any], members: pd.DataFrame, top: int) -> Ranking:
    best_first = rank(members).head(top)
    return Ranking(
        name=name,
        key=published["key"],
        unit=published["unit"],
        higher_is_better=published["higher_is_better"],
        members=len(members),
        ranks=[
            Rank(
                rank=row["rank"],
                instance=row["subject"],
                value=row["median"],
                confidence_interval=(row["ci_low"], row["ci_high"]),
                quality=row["quality"] if isinstance(row["quality"], str) else None,
            )
            for row in best_first.to_dict("records")
        ],
    )


def _session(row: Mapping[Any, Any], findings: Iterable[Finding]) -> Session:
    return Session(
        session=row["session"],
        kind=row["kind"],
        subject=shown_subject(row["subject"]),
        state=row["state"],
        verdict=row["verdict"],
        published=row["snapshot"] is not None,
        snapshot=row["snapshot"],
        started_at=format_time(row["started_at"]),
        ended_at=format_time(row["ended_at"]),
        source=redact(row["source"]),
        licence=redact(row["licence"]),
        attribution=redact(row["attribution"]),
        url=row["url"] or None,
        findings=list(findings),
    )
