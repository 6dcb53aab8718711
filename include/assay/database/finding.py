"""Recordings that answer a question, page by page: sessions with their metadata, and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from assay.database.queries import read_frame

SORTS = {
    "started": ("s.started_at", "ASC"),
    "-started": ("s.started_at", "DESC"),
    "registered": ("s.registered_at", "ASC"),
    "-registered": ("s.registered_at", "DESC"),
}
"""A minus is newest first. Sessions of the same moment come in the order of their ids."""


@dataclass(frozen=True)
class Scope:
    """What may be seen: the recordings of one lab in one dataset, or (None) of every lab."""

    dataset: str
    lab: str | None


@dataclass(frozen=True)
class After:
    """Where a page begins: behind this session, and behind this file of it where files are listed."""

    moment: datetime
    session: str
    path: str = ""
    key: str = ""


def find_sessions(
    connection: Connection, scope: Scope, where: str, values: Mapping[str, Any], *, sort: str, after: After | None, limit: int
) -> pd.DataFrame:
    """Sessions for which a condition of `assay.query.sql` holds, columns session, lab, folder, started_at,
    ended_at, registered_at, state, verdict, files, bytes, moment, metadata (name to value, unit and whether the schema knows it)
    and reasons."""
    column, direction = SORTS[sort]
    keyset, bound = _keyset(column, direction, after, ["s.session"])
    statement = (
        "SELECT s.session, s.subject AS lab, s.labels ->> 'folder' AS folder, s.started_at, s.ended_at, s.registered_at, "  # noqa: S608
        f"s.state, s.verdict, {column} AS moment, "
        "(SELECT count(*) FROM assay.raw_files f WHERE f.dataset = s.dataset AND f.session = s.session) AS files, "
        "(SELECT coalesce(sum(f.size), 0)::bigint FROM assay.raw_files f WHERE f.dataset = s.dataset AND f.session = s.session) "
        "AS bytes, "
        "(SELECT coalesce(jsonb_object_agg(v.name, jsonb_build_object('value', CASE WHEN v.number IS NULL THEN to_jsonb(v.text) "
        "ELSE to_jsonb(v.number) END, 'unit', v.unit, 'known', v.known)), '{}') FROM assay.variables v "
        "WHERE v.dataset = s.dataset AND v.session = s.session) AS metadata, "
        "(SELECT coalesce(array_agg(f.message ORDER BY f.rule, f.message), '{}') FROM assay.findings f "
        "WHERE f.dataset = s.dataset AND f.session = s.session AND f.severity = 'quarantine') AS reasons "
        f"FROM assay.sessions s WHERE {_within(scope)} AND ({where}) {keyset} "
        f"ORDER BY {column} {direction}, s.session LIMIT :limit"
    )
    return read_frame(connection, statement, {**_scope(scope), **values, **bound, "limit": limit})


def find_files(
    connection: Connection,
    scope: Scope,
    where: str,
    values: Mapping[str, Any],
    *,
    raw: bool,
    sort: str,
    after: After | None,
    limit: int,
) -> pd.DataFrame:
    """Files of the sessions for which a condition holds: those that processors made, or (`raw`) those that the lab sent.

    Columns session, folder, moment, path, key, media_type, processor, version, size, sha256. Of sessions that are not accepted
    nothing is processed; their raw files are listed.
    """
    column, direction = SORTS[sort]
    key = "s.prefix || o.path" if raw else "o.key"
    keyset, bound = _keyset(column, direction, after, ["s.session", "o.path", key])
    about = (
        "'application/octet-stream' AS media_type, '' AS processor, '' AS version"
        if raw
        else ("o.media_type, o.processor, o.version")
    )
    statement = (
        f"SELECT s.session, s.labels ->> 'folder' AS folder, {column} AS moment, o.path, {key} AS key, {about}, o.size, o.sha256 "  # noqa: S608
        f"FROM assay.sessions s JOIN assay.{'raw_files' if raw else 'processed_files'} o USING (dataset, session) "
        f"WHERE {_within(scope)} AND ({where}) {keyset} "
        f"ORDER BY {column} {direction}, s.session, o.path, {key} LIMIT :limit"
    )
    return read_frame(connection, statement, {**_scope(scope), **values, **bound, "limit": limit})


def _within(scope: Scope) -> str:
    lab = "" if scope.lab is None else " AND s.subject = :lab"
    return f"s.kind = 'recording' AND s.dataset = :dataset{lab}"


def _scope(scope: Scope) -> dict[str, str]:
    return {"dataset": scope.dataset} | ({} if scope.lab is None else {"lab": scope.lab})


def _keyset(column: str, direction: str, after: After | None, columns: list[str]) -> tuple[str, dict[str, Any]]:
    """Everything behind a place in the order, so that a page costs the same wherever it is and new rows shift nothing."""
    if after is None:
        return "", {}
    beyond = ">" if direction == "ASC" else "<"
    places = [after.session, after.path, after.key][: len(columns)]
    names = [f"after{n}" for n in range(len(columns))]
    rest = f"({', '.join(columns)}) > ({', '.join(f':{name}' for name in names)})"
    return (
        f"AND ({column} {beyond} :moment OR ({column} = :moment AND {rest}))",
        {"moment": after.moment, **dict(zip(names, places, strict=True))},
    )
