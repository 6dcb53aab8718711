"""Questions about a million recordings: as `GET /sessions` and the page of recordings ask them, beside a scan.

The named peer is the same question over one JSONB column of metadata without an index, which is what a table that grew by itself
often looks like; it fetches the ids alone, ours the whole rows with metadata, sizes and reasons. Rounds are interleaved; prints
medians, the median of the paired ratios, and the plan of the first question (`--plans` for all).

    python benchmarks/recording_queries.py            1,000,000 sessions with two variables each, 7 rounds
    python benchmarks/recording_queries.py --quick    50,000 sessions, 3 rounds
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.database import embedded, migrate
from assay.database.engine import connect
from assay.database.finding import After, Scope, find_sessions
from assay.query.grammar import parse
from assay.query.sql import condition
from sqlalchemy import Connection, event, text

DATASET = "recordings"
LIMIT = 101
QUESTIONS = {
    "rare number and rare text": ("fatigue>=8.99 and hardware_model=X42", "f >= 8.99 AND h = 'X42'"),
    "common number and part of a text": ('fatigue>=3 and hardware_model~"X1"', "f >= 3 AND strpos(lower(h), 'x1') > 0"),
    "rare number and part of a text": ('fatigue>=8.99 and hardware_model~"X42"', "f >= 8.99 AND strpos(lower(h), 'x42') > 0"),
    "nothing answers": ("fatigue>=100 and hardware_model=X42", "f >= 100 AND h = 'X42'"),
}

_FILL = """
INSERT INTO assay.datasets (dataset) VALUES ('recordings') ON CONFLICT DO NOTHING;
INSERT INTO assay.sessions (dataset, session, kind, subject, state, verdict, started_at, ended_at, source, source_version,
  licence, attribution, url, source_file, prefix, manifest_sha256, files_digest, labels, run, registered_at)
SELECT 'recordings', to_char(at, 'YYYYMMDD"T"HH24MISS"Z"') || '-' || left(md5(n::text), 12), 'recording', 'lab-' || n % 20,
  'judged', 'accepted', at, at, 'lab-recording', '1', 'private', '', '', '', 'raw/recording/' || n || '/', md5(n::text),
  md5(n::text), jsonb_build_object('folder', to_char(at, 'YYYYMMDD_HH24MISS')), '', at + interval '1 hour'
FROM (SELECT n, timestamptz '1990-01-01 00:00Z' + n * interval '20 minutes' AS at FROM generate_series(1, :count) n) made;
INSERT INTO assay.raw_files (dataset, session, path, size, sha256)
SELECT dataset, session, 'eeg.edf', 600000000, md5(session) FROM assay.sessions;
INSERT INTO assay.variables (dataset, session, name, lab, schema, numeric, number, text, unit, known)
SELECT dataset, session, 'fatigue', subject, 'lab/v1', true, (hashtext(session) & 65535) * 9 / 65535.0, '', '1', true
FROM assay.sessions;
INSERT INTO assay.variables (dataset, session, name, lab, schema, numeric, number, text, unit, known)
SELECT dataset, session, 'hardware_model', subject, 'lab/v1', false, NULL, 'X' || (hashtext(session || 'h') & 511), '', true
FROM assay.sessions;
CREATE TABLE peer AS SELECT s.session, s.started_at, jsonb_object_agg(v.name, coalesce(to_jsonb(v.number), to_jsonb(v.text)))
  AS metadata FROM assay.sessions s JOIN assay.variables v USING (dataset, session) GROUP BY 1, 2;
CREATE INDEX peer_started ON peer (started_at);
"""


def ours(connection: Connection, question: str, after: After | None = None) -> list[str]:
    """The first page, as the API and the page in Airflow ask for it."""
    where, values = condition(parse(question))
    found = find_sessions(connection, Scope(DATASET, None), where, values, sort="-started", after=after, limit=LIMIT)
    return [str(session) for session in found["session"]]


def peer(connection: Connection, where: str) -> list[str]:
    """The same ids from the JSONB column."""
    where = where.replace("f ", "(metadata ->> 'fatigue')::float8 ").replace("h ", "metadata ->> 'hardware_model' ")
    where = where.replace("lower(h)", "lower(metadata ->> 'hardware_model')")
    statement = text(f"SELECT session FROM peer WHERE {where} ORDER BY started_at DESC, session LIMIT {LIMIT}")
    return list(connection.execute(statement).scalars())


def plan(connection: Connection, question: str) -> str:
    """What PostgreSQL did for it."""
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    ours(connection, question)
    event.remove(connection, "before_cursor_execute", note)
    statement, parameters = asked[0]
    rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) {statement}", parameters)
    return "\n".join(f"    {row[0]}" for row in rows)


def timed(call: Callable[[], list[str]]) -> tuple[float, list[str]]:
    """Milliseconds, and the answer."""
    began = time.perf_counter()
    answer = call()
    return 1000 * (time.perf_counter() - began), answer


def main() -> None:
    """Fill a database, ask in rounds, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--plans", action="store_true", help="print the plan of every question")
    parser.add_argument("--quick", action="store_true", help="50,000 sessions, 3 rounds")
    options = parser.parse_args()
    count, rounds = (50_000, 3) if options.quick else (options.sessions, options.rounds)
    home = Path(tempfile.mkdtemp(prefix="assay-bench-"))
    home.chmod(0o755)
    try:
        with embedded.server(home) as urls:
            engine = connect(urls.assay)
            migrate.upgrade(engine)
            began = time.perf_counter()
            with engine.begin() as connection:
                for statement in _FILL.split(";\n"):
                    if statement.strip():
                        connection.execute(text(statement), {"count": count} if ":count" in statement else {})
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
                print(f"{count} sessions, {2 * count} variables, filled in {time.perf_counter() - began:.0f} s; {rounds} rounds")
                print(f"{'question':34} {'rows':>5} {'ours ms':>9} {'peer ms':>9} {'times as fast':>14}")
                for number, (name, (question, where)) in enumerate(QUESTIONS.items()):
                    ours(connection, question)
                    pairs = []
                    for _ in range(rounds):
                        taken, rows = timed(lambda question=question: ours(connection, question))  # type: ignore[misc]
                        scanned, same = timed(lambda where=where: peer(connection, where))  # type: ignore[misc]
                        if rows != same:
                            raise SystemExit(f"{name}: the two answers differ: {len(rows)} and {len(same)} sessions")
                        pairs.append((taken, scanned))
                    one, other = (statistics.median(pair[at] for pair in pairs) for at in (0, 1))
                    ratio = statistics.median(scanned / taken for taken, scanned in pairs)
                    print(f"{name:34} {len(rows):5} {one:9.2f} {other:9.1f} {ratio:14.1f}")
                    if options.plans or number == 0:
                        print(plan(connection, question))
            engine.dispose()
    finally:
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
