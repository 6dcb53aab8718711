"""When a person is asked before a snapshot is published, and what is shown: numbers, bounded, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from assay.check.rule import FINDING_COLUMNS
from assay.dataset.build import build_documents
from assay.dataset.content import Counts, DatasetContent
from assay.publish.approval import Cause, Question, question_of, reasons_to_ask, signature
from assay.publish.difference import Difference, KeptOut, Movement, difference_of
from assay.publish.local import LocalRepository
from assay.publish.message import commit_message
from assay.publish.plan import Plan, plan
from assay.publish.summary import MAX_LISTED, as_markdown, as_text, summary_of
from assay.publish.target import Change
from assay.settings import Settings
from dataset_content import START, Series, make_content, session_name, simple
from hypothesis import given
from hypothesis import strategies as st

SETTINGS = Settings()


@pytest.fixture
def target(tmp_path: Path) -> LocalRepository:
    return LocalRepository(tmp_path / "dataset.git")


def content(series: list[Series], quarantined: Sequence[str] = ()) -> DatasetContent:
    """What these series make; the sessions of the subjects in `quarantined` are kept out by one rule."""
    made = make_content([one for one in series if one.subject not in quarantined], quarantine=False)
    names = [
        (session_name(one.subject, n), one.subject)
        for one in series
        if one.subject in quarantined
        for n in range(len(one.values))
    ]
    out = pd.DataFrame(
        [{"session": s, "kind": "instance_benchmark", "subject": t, "started_at": START, "ended_at": START} for s, t in names],
        columns=["session", "kind", "subject", "started_at", "ended_at"],
    )
    finding = {"rule": "made.up", "severity": "quarantine", "file": "x", "value": "1", "expected": "2", "message": "made up"}
    findings = pd.DataFrame([{"session": session, **finding} for session, _ in names], columns=list(FINDING_COLUMNS))
    accepted, kept_out = len(made.sessions), len(out)
    return replace(
        made,
        quarantined=out,
        findings=pd.concat([made.findings, findings], ignore_index=True),
        accounting=Counts(accepted + kept_out, accepted, kept_out, 0),
    )


def planned(target: LocalRepository, series: list[Series], quarantined: Sequence[str] = ()) -> Plan:
    found = plan(target, build_documents(content(series, quarantined)))
    assert isinstance(found, Plan)
    return found


def publish(target: LocalRepository, series: list[Series], quarantined: Sequence[str] = ()) -> None:
    new = planned(target, series, quarantined)
    target.commit(new.change, commit_message(new.name, new.documents, ""), expected=new.head, tag=new.name)


def asked(
    target: LocalRepository, series: list[Series], settings: Settings = SETTINGS, quarantined: Sequence[str] = ()
) -> Question:
    return question_of(planned(target, series, quarantined), settings)


def causes(question: Question) -> list[Cause]:
    return [reason.cause for reason in question.reasons]


def steady(subject: str = "m7i.large", level: float = 40.0, sessions: int = 3) -> Series:
    return simple(subject, "hpl", "gflops", "GFLOPS", level, sessions)


def test_the_first_snapshot_of_a_dataset_is_published_without_asking(target: LocalRepository) -> None:
    question = asked(target, [steady(), steady("c7g.large")], quarantined=["c7g.large"])
    assert question.reasons == ()
    assert (question.name, question.since) == ("2024-11-20", "")


def test_more_sessions_of_the_same_are_published_without_asking(target: LocalRepository) -> None:
    publish(target, [steady(sessions=3)])
    assert asked(target, [steady(sessions=5)]).reasons == ()
    assert asked(target, [steady(sessions=3), steady("c7g.large")]).reasons == ()


def test_what_moved_beyond_its_noise_is_asked_with_numbers(target: LocalRepository) -> None:
    publish(target, [steady(level=40.0)])
    question = asked(target, [steady(level=44.0)])
    assert causes(question) == [Cause.MOVED]
    assert question.why == "1 value moved beyond noise since 2024-11-20: m7i.large hpl.gflops: 40 -> 44 GFLOPS (+10.0 %)"
    (movement,) = difference_of(planned(target, [steady(level=44.0)])).moved
    assert movement.interval_before[1] < movement.interval_now[0]
    assert movement.apart == pytest.approx(movement.interval_now[0] - movement.interval_before[1])
    text = as_text(question.summary)
    assert f"{movement.apart:.3g} GFLOPS ({100 * movement.apart / 40:.1f} %) beyond noise" in text
    assert "Values that moved beyond noise: 1" in text


def test_a_type_that_vanished_is_asked(target: LocalRepository) -> None:
    publish(target, [steady(), steady("c7g.large")])
    question = asked(target, [steady()])
    assert causes(question) == [Cause.GONE]
    assert question.why == "1 type vanished since 2024-11-20: c7g.large"


def test_a_schema_with_another_content_is_asked_by_name(target: LocalRepository) -> None:
    publish(target, [steady()])
    path = "data/schemas/v1.1.0/memory-benchmark.schema.json"
    before = target.read(target.head() or "", path)
    target.commit(Change({path: before.replace(b"GB/s", b"MB/s")}), "as an older version had it", expected=target.head())
    question = asked(target, [steady(sessions=4)])
    assert causes(question) == [Cause.SCHEMA]
    assert "v1.1.0/memory-benchmark.schema.json is different" in question.why


def test_another_schema_version_is_asked(target: LocalRepository) -> None:
    publish(target, [steady()])
    difference = replace(difference_of(planned(target, [steady(sessions=4)])), schema_version="2.0.0")
    question = [reason for reason in reasons_to_ask(difference, SETTINGS) if reason.cause == Cause.SCHEMA]
    assert "version 1.1.0 -> 2.0.0" in question[0].text


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, [Cause.QUARANTINED]), (0.6, []), (0.75, []), (1.0, [])])
def test_a_share_in_quarantine_above_the_setting_is_asked(
    target: LocalRepository, threshold: float, expected: list[Cause]
) -> None:
    publish(target, [steady(sessions=4)])
    # Of five new sessions three are in quarantine.
    new = [steady(sessions=6), steady("c7g.large", sessions=3)]
    settings = Settings(quarantine_threshold=threshold)
    question = asked(target, new, settings, quarantined=["c7g.large"])
    assert causes(question) == expected
    assert difference_of(planned(target, new, quarantined=["c7g.large"])).quarantined_share == 0.6
    if expected:
        assert "3 of 5 sessions that are new since 2024-11-20 are in quarantine, 60 %, more than 50 %" in question.why
        assert "c7g.large" in as_text(question.summary)


def test_the_quality_threshold_holds_for_the_first_snapshot_too(target: LocalRepository) -> None:
    settings = Settings(quality_threshold=0.9)
    question = asked(target, [steady(), steady("c7g.large")], settings, quarantined=["c7g.large"])
    assert causes(question) == [Cause.QUALITY]
    assert "under the threshold of 0.9 (ASSAY_QUALITY_THRESHOLD)" in question.why


def test_the_same_content_is_never_asked_about(target: LocalRepository) -> None:
    publish(target, [steady(), steady("c7g.large")], quarantined=["c7g.large"])
    target.commit(Change({}, frozenset({"data/processed/v1.0/2024-11-20/metadata.json"})), "by hand", expected=target.head())
    settings = Settings(quality_threshold=0.9, quarantine_threshold=0)
    assert asked(target, [steady(), steady("c7g.large")], settings, quarantined=["c7g.large"]).reasons == ()


def large(target: LocalRepository, count: int) -> Difference:
    """A difference with very many of everything."""
    publish(target, [steady()])
    names = tuple(f"type-{number}.{'x' * 100}" for number in range(count))
    return replace(
        difference_of(planned(target, [steady(sessions=4)])),
        new=names,
        gone=names,
        moved=tuple(Movement(name, "hpl.gflops", "GFLOPS", 40.0, 50.0, (39, 41), (49, 51)) for name in names),
        quarantined=tuple(KeptOut(f"session-{number}", name, (f"rule-{number}",)) for number, name in enumerate(names)),
        schema_files=names,
    )


def test_the_summary_is_bounded_and_says_how_many_more_there_are(target: LocalRepository) -> None:
    difference = large(target, 5_000)
    why = [reason.text for reason in reasons_to_ask(difference, SETTINGS)]
    sections = summary_of(difference, why)
    for written in (as_markdown(sections), as_text(sections)):
        assert len(written) < 60_000
        assert written.count(f"and {5_000 - MAX_LISTED} more") == 6
    assert all("and 4995 more" in text for text in why if "quarantine" not in text)
    assert len("; ".join(why)) < 5_000


def test_markdown_and_text_say_the_same(target: LocalRepository) -> None:
    publish(target, [steady(), steady("c7g.large")])
    question = asked(target, [steady(level=50), steady("c7a.large"), steady("m6i.large")], quarantined=["m6i.large"])
    markdown = as_markdown(question.summary).replace("\\", "")
    said = [line.strip() for line in as_text(question.summary).splitlines()]
    assert [line.lstrip("#- ") for line in markdown.splitlines() if line] == said
    titles = [section.title for section in question.summary]
    assert titles == [
        "Why you are asked",
        "New types, since 2024-11-20",
        "Types that vanish, since 2024-11-20",
        "Values that moved beyond noise: 1",
        "Newly in quarantine: 3 of 6 sessions (50 %)",
        "Accounting",
        "Schema",
        "Size",
    ]


def test_names_from_data_are_neither_markup_nor_commands_of_a_terminal(target: LocalRepository) -> None:
    hostile = "<script>x</script> [a](javascript:b) \x1b[31m **c** `d` ~~e~~ ![f](g)\n# h"
    difference = replace(large(target, 0), new=(hostile,), gone=(hostile,))
    sections = summary_of(difference)
    assert "\x1b" not in as_text(sections)
    for line in as_markdown(sections).splitlines():
        if "script" in line:
            assert "\\<script\\>" in line
            assert "\\[a\\](" in line
            assert "\\!\\[f\\]" in line
            assert "\x1b" not in line


def test_the_commit_says_who_approved_and_only_if_somebody_did(target: LocalRepository) -> None:
    new = planned(target, [steady()])
    assert "Approved-by" not in commit_message(new.name, new.documents, "")
    assert commit_message(new.name, new.documents, "", approved_by="Ada Lovelace").endswith("\nApproved-by: Ada Lovelace\n")


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("ada@example.org", "ada"),
        ("Ada Lovelace <ada@example.org>", "Ada Lovelace"),
        ("Ada\nSigned-off-by: Eve", "Ada Signed-off-by: Eve"),
        ("", ""),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_name_in_a_commit_is_a_name_only(given_name: str, shown: str) -> None:
    assert signature(given_name) == shown


@given(st.text(max_size=200))
def test_any_name_is_one_line_without_an_address(name: str) -> None:
    shown = signature(name)
    assert len(shown) <= 60
    assert shown.isprintable()
    assert "@" not in shown
