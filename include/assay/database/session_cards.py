"""What a page of recordings shows of each session beside its row: what was found in it, what was made of it, and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, text

Item = TypeVar("Item")

MOST_NOTES = 6
MOST_PICTURES = 4


@dataclass(frozen=True)
class Note:
    """One finding of a session; `severity` is `quarantine` or `warning`."""

    severity: str
    rule: str
    message: str


@dataclass(frozen=True)
class Picture:
    """A preview of a raw file: path in the session's folder, and key in processed storage."""

    path: str
    key: str


@dataclass(frozen=True)
class Card:
    """Of one session: its first notes and pictures, how many there are in all, and how many files were made of it."""

    notes: tuple[Note, ...] = ()
    note_count: int = 0
    pictures: tuple[Picture, ...] = ()
    picture_count: int = 0
    made: int = 0


def cards(connection: Connection, dataset: str, sessions: Sequence[str]) -> dict[str, Card]:
    """The cards of these sessions; of pictures those that the newest processing of each file made."""
    wanted = {"dataset": dataset, "sessions": list(sessions)}
    notes = connection.execute(
        text(
            "SELECT session, of_all, severity, rule, message FROM (SELECT session, severity, rule, message, "
            "count(*) OVER (PARTITION BY session) AS of_all, "
            "row_number() OVER (PARTITION BY session ORDER BY severity, rule, file, message) AS place "
            "FROM assay.findings WHERE dataset = :dataset AND session = ANY(:sessions)) f "
            "WHERE place <= :most ORDER BY session, place"
        ),
        {**wanted, "most": MOST_NOTES},
    )
    notes_of, note_counts = _by_session(notes, Note)
    pictures = connection.execute(
        text(
            "SELECT session, of_all, path, key FROM (SELECT session, path, key, count(*) OVER (PARTITION BY session) AS of_all, "
            "row_number() OVER (PARTITION BY session ORDER BY path, key) AS place FROM ("
            "SELECT DISTINCT ON (o.session, o.path) o.session, o.path, o.key FROM assay.processed_files o "
            "JOIN assay.processing p USING (dataset, session, path, processor, version) "
            "WHERE o.dataset = :dataset AND o.session = ANY(:sessions) AND o.media_type = 'image/png' "
            "ORDER BY o.session, o.path, p.processed_at DESC, o.key) newest) ranked WHERE place <= :most ORDER BY session, place"
        ),
        {**wanted, "most": MOST_PICTURES},
    )
    pictures_of, picture_counts = _by_session(pictures, Picture)
    made = connection.execute(
        text(
            "SELECT session, count(*) FROM assay.processed_files WHERE dataset = :dataset AND session = ANY(:sessions) "
            "GROUP BY session"
        ),
        wanted,
    )
    counts = {session: int(count) for session, count in made}
    return {
        session: Card(
            tuple(notes_of.get(session, ())),
            note_counts.get(session, 0),
            tuple(pictures_of.get(session, ())),
            picture_counts.get(session, 0),
            counts.get(session, 0),
        )
        for session in sessions
    }


def _by_session(rows: Iterable[Any], make: Callable[..., Item]) -> tuple[dict[str, list[Item]], dict[str, int]]:
    """Rows of session, how many it has in all, and what `make` takes: the made ones and that number, by session."""
    made: dict[str, list[Item]] = {}
    counts: dict[str, int] = {}
    for session, of_all, *values in rows:
        made.setdefault(session, []).append(make(*values))
        counts[session] = int(of_all)
    return made, counts


def is_picture(connection: Connection, dataset: str, session: str, key: str) -> bool:
    """Whether a processor made this object of the session, as a picture."""
    found = connection.scalar(
        text(
            "SELECT EXISTS (SELECT FROM assay.processed_files WHERE dataset = :dataset AND session = :session "
            "AND key = :key AND media_type = 'image/png')"
        ),
        {"dataset": dataset, "session": session, "key": key},
    )
    return bool(found)
