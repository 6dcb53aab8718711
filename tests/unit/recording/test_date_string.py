"""The name of a session's folder is a real date and time of the lab."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from assay.recording.date_string import Clock, format_date_string, in_utc, parse_date_string, time_zone
from hypothesis import example, given
from hypothesis import strategies as st

BERLIN = time_zone("Europe/Berlin")
FIRST, LAST = parse_date_string("19700101_000000"), parse_date_string("21991231_235959")
moments = st.datetimes(FIRST, LAST).map(lambda at: at.replace(microsecond=0))


@given(moments)
def test_any_time_is_read_back_from_its_name(moment: datetime) -> None:
    assert parse_date_string(format_date_string(moment)) == moment


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{8}_[0-9]{6}", fullmatch=True))
@example("20240229_161221")
@example("20240229_161260")
@example("٢٠٢٤٠٢٢٩_161221")
@example("20240229_161221\n")
def test_any_text_is_either_refused_or_the_name_of_its_time(text: str) -> None:
    try:
        again = format_date_string(parse_date_string(text))
    except ValueError as error:
        again = text if "found" in str(error) else ""
    assert again == text


@pytest.mark.parametrize(
    "name", ["20210229_161221", "20240230_000000", "20241301_000000", "20240101_240000", "20240101_000061", ""]
)
def test_what_is_no_time_is_refused_and_shown(name: str) -> None:
    with pytest.raises(ValueError, match=f"found {name!r}"):
        parse_date_string(name)


@pytest.mark.parametrize(
    ("name", "utc", "shown"),
    [
        ("20240229_161221", datetime(2024, 2, 29, 15, 12, 21, tzinfo=UTC), Clock.ONCE),
        ("20241027_023000", datetime(2024, 10, 27, 0, 30, tzinfo=UTC), Clock.TWICE),
        ("20240331_023000", datetime(2024, 3, 31, 1, 30, tzinfo=UTC), Clock.NEVER),
    ],
)
def test_a_local_time_becomes_utc_also_where_clocks_are_set(name: str, utc: datetime, shown: Clock) -> None:
    moment = in_utc(parse_date_string(name), BERLIN)
    assert (moment.utc, moment.shown) == (utc, shown)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe"])
def test_what_is_no_time_zone_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        time_zone(name)
