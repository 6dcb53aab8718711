"""Which dated folders leave the branch: by policy, never what no tag holds, never the newest."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from assay.dataset.build import build_documents
from assay.publish.current import current_snapshot
from assay.publish.layout import snapshot_folders
from assay.publish.local import LocalRepository
from assay.publish.message import commit_message
from assay.publish.plan import Plan, plan
from assay.publish.target import Change
from assay.publish.thin import Keep, thinned
from dataset_content import make_content, stream
from hypothesis import given
from hypothesis import strategies as st

KEEP = Keep(every_days=14, weekly_days=60)
NEWEST = date(2024, 11, 20)
DAILY = [f"{NEWEST - timedelta(days=age)}" for age in range(400)]


def test_all_of_the_newest_days_then_one_a_week_then_one_a_quarter_stay() -> None:
    gone = set(thinned(DAILY, KEEP))
    stay = sorted(set(DAILY) - gone)
    assert stay[-15:] == sorted(DAILY[:15])
    # Sundays end ISO weeks; of the week that the fourteenth day cuts, its last day before that.
    assert stay[-23:-15] == [
        "2024-09-22", "2024-09-29", "2024-10-06", "2024-10-13", "2024-10-20", "2024-10-27", "2024-11-03", "2024-11-05",
    ]  # fmt: skip
    assert stay[:-23] == ["2023-12-31", "2024-03-31", "2024-06-30", "2024-09-20"]


def test_of_several_on_a_day_the_last_stays_and_what_is_no_date_is_left_alone() -> None:
    names = ["2024-01-01", "2024-01-01.2", "2024-01-01.10", "notes", "2024-11-20"]
    assert thinned(names, KEEP) == ["2024-01-01", "2024-01-01.2"]
    assert thinned(names, KEEP, always={"2024-01-01"}) == ["2024-01-01.2"]
    assert thinned([], KEEP) == thinned(["notes"], KEEP) == []


@given(
    st.sets(st.dates(date(2020, 1, 1), date(2025, 1, 1)).map(str), min_size=1),
    st.builds(Keep, st.integers(0, 400), st.integers(0, 900)),
)
def test_any_policy_keeps_the_newest_and_one_of_every_quarter_and_comes_to_rest(names: set[str], keep: Keep) -> None:
    stay = names - set(thinned(names, keep))
    assert max(names) in stay
    assert {(name[:4], (int(name[5:7]) - 1) // 3) for name in names} == {(name[:4], (int(name[5:7]) - 1) // 3) for name in stay}
    assert not thinned(stay, keep)


@pytest.fixture
def target(tmp_path: Path) -> LocalRepository:
    """A repository with a folder and a tag for each of many days, and one folder without a tag."""
    target = LocalRepository(tmp_path / "dataset.git")
    for day in ("2022-01-03", "2022-01-04", "2024-06-03", "2024-06-04"):
        target.commit(Change({f"data/processed/v1.0/{day}/manifest.json": day.encode()}), day, expected=target.head(), tag=day)
    target.commit(Change({"data/processed/v1.0/2022-01-02/manifest.json": b"x"}), "untagged", expected=target.head())
    return target


def test_old_folders_leave_in_the_commit_of_a_new_snapshot_and_stay_at_their_tags(target: LocalRepository) -> None:
    for factor in (1.0, 1.5):
        planned = plan(target, build_documents(make_content(stream("m7i.large", 47.9 * factor))), keep=Keep(30, 365))
        assert isinstance(planned, Plan)
        message = commit_message(planned.name, planned.documents, "", thinned=planned.thinned)
        commit = target.commit(planned.change, message, expected=planned.head, tag=planned.name)
        if factor == 1.0:
            assert planned.thinned == ("2022-01-03", "2024-06-03")
            assert {"data/processed/v1.0/2022-01-03/manifest.json", "data/processed/v1.0/2024-06-03/manifest.json"} < {
                *planned.files
            }
            assert "Folders thinned, their tags and releases stay: 2022-01-03, 2024-06-03" in target.message(commit)
        else:
            assert planned.thinned == ()
            assert "thinned" not in target.message(commit)
    folders = {"2022-01-02", "2022-01-04", "2024-06-04", "2024-11-20", "2024-11-20.2"}
    assert snapshot_folders(target.tree(commit)) == folders
    current = current_snapshot(target, commit)
    assert current is not None
    assert (current.name, current.whole) == ("2024-11-20.2", True)
    assert target.read(target.tags()["2022-01-03"], "data/processed/v1.0/2022-01-03/manifest.json") == b"2022-01-03"


def test_the_snapshot_before_stays_however_old_it_is(target: LocalRepository) -> None:
    first = plan(target, build_documents(make_content(stream("m7i.large", 47.9))))
    assert isinstance(first, Plan)
    target.commit(first.change, "first", expected=first.head, tag=first.name)
    second = plan(target, build_documents(make_content(stream("m7i.large", 60.0))), keep=Keep(0, 0))
    assert isinstance(second, Plan)
    assert second.thinned == ("2022-01-03", "2024-06-03")
