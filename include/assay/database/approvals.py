"""Answers to the question whether a snapshot may be published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from assay.database.copy import storable
from assay.database.queries import read_frame
from assay.database.words import Answer

MAX_WHY_CHARS = 2_000
MAX_WHO_CHARS = 200


def record_approval(
    connection: Connection,
    dataset: str,
    content_digest: str,
    since: str,
    *,
    answer: str,
    who: str,
    signed_as: str,
    why: str,
) -> None:
    """Write down an answer; the same from the same person again changes nothing."""
    if answer not in set(Answer):
        raise ValueError(f"answer: found {answer!r}; expected one of {', '.join(Answer)}")
    newest = newest_approval(connection, dataset, content_digest, since)
    given = {"answer": str(answer), "who": storable(who)[:MAX_WHO_CHARS], "signed_as": storable(signed_as)[:MAX_WHO_CHARS]}
    if newest is not None and answer != Answer.EXPIRED and all(newest[name] == value for name, value in given.items()):
        return
    connection.execute(
        text(
            "INSERT INTO assay.approvals (dataset, content_digest, since, number, answer, who, signed_as, why) "
            "VALUES (:dataset, :content_digest, :since, :number, :answer, :who, :signed_as, :why)"
        ),
        {
            **given,
            "dataset": dataset,
            "content_digest": content_digest,
            "since": since,
            "number": 1 if newest is None else newest["number"] + 1,
            "why": storable(why)[:MAX_WHY_CHARS],
        },
    )


def newest_approval(connection: Connection, dataset: str, content_digest: str, since: str) -> Mapping[str, Any] | None:
    """The last answer about this content on top of that snapshot: number, answer, who, signed_as, why, answered_at; or None."""
    found = connection.execute(
        text(
            "SELECT number, answer, who, signed_as, why, answered_at FROM assay.approvals WHERE dataset = :dataset "
            "AND content_digest = :content_digest AND since = :since ORDER BY number DESC LIMIT 1"
        ),
        {"dataset": dataset, "content_digest": content_digest, "since": since},
    ).one_or_none()
    return None if found is None else found._asdict()


def approvals(connection: Connection, dataset: str) -> pd.DataFrame:
    """Every answer, oldest first: content_digest, since, number, answer, who, signed_as, why, answered_at."""
    return read_frame(
        connection,
        "SELECT content_digest, since, number, answer, who, signed_as, why, answered_at FROM assay.approvals "
        "WHERE dataset = :dataset ORDER BY answered_at, content_digest, since, number",
        {"dataset": dataset},
    )
