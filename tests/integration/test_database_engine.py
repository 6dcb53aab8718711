"""Connections: in UTC, checked, and plain about a database that went away."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from assay.database import embedded
from assay.database.copy import copy_frame, load_temporary
from assay.database.engine import connect, make_engine
from assay.errors import DatabaseUnavailable
from sqlalchemy import Engine, make_url, text


def test_a_session_speaks_utc_whatever_the_machine_does(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
        moment = connection.scalar(text("SELECT timestamptz '2024-11-20 09:30:11+09'"))
        assert moment.isoformat() == "2024-11-20T00:30:11+00:00"


@pytest.mark.parametrize("url", ["", "no url at all", "sqlite:///x", "mysql://a@b/c"])
def test_a_url_of_another_database_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="ASSAY_DATABASE_URL"):
        make_engine(url)


def test_where_nothing_answers_the_message_says_where_and_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        connect(f"postgresql+psycopg2://me:secret@/assay?host={tmp_path}", wait_seconds=0.5)
    assert str(tmp_path) in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_comes_up_a_little_later_is_waited_for(server_home: Path) -> None:
    home = server_home / "later"
    with embedded.server(home) as urls:
        url = urls.assay

    def start() -> None:
        time.sleep(0.7)
        with embedded.server(home):
            done.wait(60)

    done = threading.Event()
    thread = threading.Thread(target=start)
    thread.start()
    try:
        engine = connect(url, wait_seconds=60)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        engine.dispose()
    finally:
        done.set()
        thread.join()
    embedded.remove(home)


def kill_connections(url: str) -> None:
    other = connect(url)
    with other.connect() as connection:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}"))
    other.dispose()


def test_a_connection_lost_between_two_uses_is_made_anew(database_url: str) -> None:
    engine = connect(database_url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    kill_connections(database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()


def test_a_connection_lost_in_the_middle_is_one_clear_message(engine: Engine, database_url: str) -> None:
    def lose_it() -> None:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE target (a text)"))
            kill_connections(database_url)
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable, match="the database went away or does not answer"):
        lose_it()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('target')")) is None


def test_a_connection_lost_in_the_middle_of_a_copy_is_the_same_message(engine: Engine, database_url: str) -> None:
    def lose_it() -> None:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE target (a text)"))
            kill_connections(database_url)
            copy_frame(connection, "target", pd.DataFrame({"a": ["x"] * 10}))

    with pytest.raises(DatabaseUnavailable, match="the database went away or does not answer"):
        lose_it()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('target')")) is None


def test_a_missing_database_is_named(database_url: str) -> None:
    url = make_url(database_url).set(database="nothing_of_this_name")
    with pytest.raises(DatabaseUnavailable, match="nothing_of_this_name"):
        connect(url.render_as_string(hide_password=False), wait_seconds=0.1)


def test_a_user_that_does_not_exist_is_not_waited_for(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def waited(_: float) -> None:
        raise AssertionError("waited for what will not come")

    monkeypatch.setattr(time, "sleep", waited)
    url = make_url(database_url).set(username="nobody_of_this_name")
    with pytest.raises(DatabaseUnavailable, match="nobody_of_this_name"):
        connect(url.render_as_string(hide_password=False), wait_seconds=300)


def test_too_many_connections_are_told_as_that(database_url: str) -> None:
    administrator = connect(database_url)
    url = make_url(database_url)
    crowd = f"crowd_{url.database}"
    with administrator.begin() as connection:
        connection.execute(text(f"CREATE ROLE {crowd} LOGIN CONNECTION LIMIT 1"))
    first = connect(url.set(username=crowd).render_as_string(hide_password=False))
    try:
        with first.connect(), pytest.raises(DatabaseUnavailable, match="too many connections"):
            connect(url.set(username=crowd).render_as_string(hide_password=False), wait_seconds=0.3)
    finally:
        first.dispose()
        with administrator.begin() as connection:
            connection.execute(text(f"DROP ROLE {crowd}"))
        administrator.dispose()


def test_any_other_mistake_stays_what_it_is(engine: Engine) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught, engine.connect() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(caught.value, DatabaseUnavailable)


JSON = [{"a": [1, None, "x\x00"]}, {}, None, {"n": float("nan")}, {"q": "\"'\\\t\n"}, {"é": "日"}, {"b": True}, {"d": {"e": 1}}]
LISTS = [["a", "b,c", 'd"e', "f\\g", "", None, "tab\t", "{}"], [], None, ["x"], ["NULL"], ["\n"], ["日本"], [" "]]
MOMENTS = ["2024-11-20T09:30:11.123456Z", None, *["2024-01-01T00:00:00Z"] * 6]


def test_every_kind_of_value_arrives_as_it_was_sent(engine: Engine) -> None:
    texts = ["plain", "", "\\N", "tab\tline\nreturn\rback\\slash", "日本 'quote' \"double\"", "nul\x00", "half\ud800", None]
    frame = pd.DataFrame(
        {
            "n": range(8),
            "t": pd.Series(texts, dtype=object),
            "s": pd.array(["x", None, "", "y", "z\\", "{", "}", ","], dtype="string"),
            "i": pd.array([1, None, -3, 4, 2**62, 0, 7, 8], dtype="Int64"),
            "f": [1.5, float("nan"), float("inf"), -float("inf"), 1e-300, 0.1, -0.0, 3.0],
            "b": pd.Series([True, False, None, True, True, True, True, True], dtype=object),
            "m": pd.to_datetime(MOMENTS, utc=True, format="ISO8601"),
            "j": pd.Series(JSON, dtype=object),
            "l": pd.Series(LISTS, dtype=object),
        }
    )
    types = ["integer", "text", "text", "bigint", "double precision", "boolean", "timestamptz", "jsonb", "text[]"]
    with engine.begin() as connection:
        load_temporary(connection, "sent", frame, types)
        rows = connection.execute(text("SELECT t, s, i, f, b, m, j, l FROM sent ORDER BY n")).fetchall()
    t, s, i, f, b, m, j, ls = (list(column) for column in zip(*rows, strict=True))
    assert t == [*texts[:5], "nul\ufffd", "half?", None]
    assert s == ["x", None, "", "y", "z\\", "{", "}", ","]
    assert i == [1, None, -3, 4, 2**62, 0, 7, 8]
    assert f == [1.5, None, float("inf"), -float("inf"), 1e-300, 0.1, -0.0, 3.0]
    assert b == [True, False, None, True, True, True, True, True]
    assert m[0].isoformat() == "2024-11-20T09:30:11.123456+00:00"
    assert m[1] is None
    assert j == [{"a": [1, None, "x\ufffd"]}, {}, None, {"n": None}, *JSON[4:]]
    assert ls == LISTS


def test_a_frame_longer_than_one_load_arrives_whole(engine: Engine) -> None:
    frame = pd.DataFrame({"n": range(50_001), "t": "x"})
    with engine.begin() as connection:
        load_temporary(connection, "sent", frame, ["integer", "text"])
        assert connection.execute(text("SELECT count(*), count(DISTINCT n), max(n) FROM sent")).one() == (50_001, 50_001, 50_000)
        load_temporary(connection, "sent", frame.head(0), ["integer", "text"])
        assert connection.scalar(text("SELECT count(*) FROM sent")) == 0
