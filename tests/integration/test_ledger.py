"""The ledger on the real PostgreSQL: what enters, how it advances, and that the sums close."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from assay.database.ledger import Accounting, Arrival, Ledger
from assay.database.queries import SESSION_COLUMNS
from assay.errors import AssayError, DatasetConflict
from assay.session import Manifest, RawFile, Source
from made_sessions import OURS, made_arrival, made_findings, made_manifest
from sqlalchemy import Engine, event, text

NOTHING = made_findings()


def enter(ledger: Ledger, *numbers: int) -> list[str]:
    ledger.register_many(made_arrival(number) for number in numbers)
    return [made_manifest(number).session for number in numbers]


def read(ledger: Ledger, *numbers: int) -> list[str]:
    """Sessions on their way up to the judge."""
    sessions = enter(ledger, *numbers)
    ledger.mark_verified(sessions)
    ledger.mark_read(dict.fromkeys(sessions, "kind=x/1.parquet"), {session: {"n": 1} for session in sessions})
    return sessions


def states(ledger: Ledger) -> dict[str, tuple[str, str | None]]:
    frame = ledger.sessions()
    return {row.session: (row.state, None if pd.isna(row.verdict) else row.verdict) for row in frame.itertuples()}


def judged(sessions: list[str], verdict: str) -> pd.DataFrame:
    return pd.DataFrame({"session": sessions, "verdict": [verdict] * len(sessions)})


def test_a_session_enters_once(ledger: Ledger) -> None:
    arrival = made_arrival(1)
    given = (arrival.manifest, arrival.manifest_sha256, arrival.prefix)
    assert ledger.register(*given) is True
    before = ledger.sessions()
    assert ledger.register(*given, source_file="other.json", run="later") is False
    assert ledger.register(replace(arrival.manifest, labels={"other": "label"}), "f" * 64, arrival.prefix) is False
    pd.testing.assert_frame_equal(ledger.sessions(), before)
    assert ledger.known([arrival.manifest.session, "20240101T000000Z-000000000000"]) == {arrival.manifest.session}


def test_the_frame_of_sessions_says_what_the_manifest_says(ledger: Ledger) -> None:
    arrival = made_arrival(7, source_file="a.json", run="run-1", labels={"é": "tab\tnul\x00"})
    ledger.register_many([arrival])
    frame = ledger.sessions()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == dict(SESSION_COLUMNS)
    row = frame.iloc[0].to_dict()
    manifest = arrival.manifest
    assert row["session"] == manifest.session
    assert row["kind"] == "instance_benchmark"
    assert row["started_at"] == manifest.started_at
    assert row["ended_at"] == manifest.ended_at
    assert (row["source"], row["source_version"], row["licence"]) == (OURS.name, OURS.version, OURS.licence)
    assert (row["source_file"], row["run"], row["prefix"]) == ("a.json", "run-1", arrival.prefix)
    assert row["labels"] == {"é": "tab\tnul\ufffd"}
    assert row["profile"] == {}
    assert row["warnings"] == []
    files = ledger.raw_files()
    assert [tuple(row) for row in files.itertuples(index=False)] == [
        (manifest.session, file.path, file.size, file.sha256) for file in manifest.files
    ]


def test_an_empty_ledger_gives_empty_frames_of_the_same_form(ledger: Ledger) -> None:
    frame = ledger.sessions()
    assert len(frame) == 0
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == dict(SESSION_COLUMNS)
    assert list(ledger.raw_files().columns) == ["session", "path", "size", "sha256"]
    assert len(ledger.findings()) == len(ledger.statistics()) == len(ledger.snapshots()) == len(ledger.rejections()) == 0
    assert ledger.accounting() == Accounting(0, 0, 0, 0, 0)
    assert ledger.register_many([]).new == ()
    ledger.mark_verified([])
    ledger.mark_read({}, {})
    ledger.record_findings("check", [], NOTHING)
    ledger.record_verdicts(judged([], "accepted"))


def test_sessions_are_found_by_state_verdict_kind_and_id(ledger: Ledger) -> None:
    one, two, three = read(ledger, 1, 2, 3)
    (four,) = enter(ledger, 4)
    ledger.record_verdicts(judged([one], "accepted"))
    ledger.record_verdicts(judged([two], "quarantined"))

    def found(**which: object) -> list[str]:
        return list(ledger.sessions(**which)["session"])  # type: ignore[arg-type]

    assert found() == [one, two, three, four]
    assert found(states=["arrived"]) == [four]
    assert found(states=["read", "arrived"]) == [three, four]
    assert found(verdicts=["accepted", "quarantined"]) == [one, two]
    assert found(verdicts=["quarantined"], only=[one]) == []
    assert found(only=[three, "nothing"]) == [three]
    assert found(kind="recording") == []
    assert found(states=[]) == []
    assert set(ledger.raw_files([two, three])["session"]) == {two, three}


def test_the_first_session_fixes_the_licence_and_another_is_refused_with_advice(ledger: Ledger) -> None:
    assert ledger.licence() is None
    enter(ledger, 1)
    assert ledger.licence() == "CC BY 4.0"
    share_alike = Source("spare-cores", "1", "CC BY-SA 4.0", "Spare Cores")
    with pytest.raises(DatasetConflict, match=r"CC BY-SA 4.0.*CC BY 4.0.*--dataset NAME"):
        ledger.register_many([made_arrival(2), made_arrival(3, source=share_alike)])
    assert len(ledger.sessions()) == 1


def test_a_licence_that_was_fixed_before_holds_for_the_first_session_too(engine: Engine) -> None:
    ledger = Ledger(engine, "own")
    ledger.open_dataset("CC0")
    with pytest.raises(DatasetConflict):
        ledger.register_many([made_arrival(1, dataset="own")])
    ledger.open_dataset("CC BY 4.0")
    assert ledger.licence() == "CC0"


def test_a_session_of_another_dataset_is_refused(ledger: Ledger, engine: Engine) -> None:
    with pytest.raises(DatasetConflict, match="'other'"):
        ledger.register_many([made_arrival(1, dataset="other")])
    Ledger(engine, "other").register_many([made_arrival(1, dataset="other")])
    assert len(ledger.sessions()) == 0
    enter(ledger, 1)
    assert len(ledger.sessions()) == len(Ledger(engine, "other").sessions()) == 1


class Forged(Manifest):
    """A manifest whose session id was made to collide with that of `made_manifest(1)`."""

    @property
    def session(self) -> str:
        return made_manifest(1).session


def forged(path: str) -> Arrival:
    real = made_manifest(1)
    manifest = Forged(real.kind, real.subject, real.started_at, real.ended_at, real.source, (RawFile(path, 1, "0" * 64),))
    return Arrival(manifest, "f" * 64, "raw/elsewhere/", "forged.json")


@pytest.mark.parametrize("together", [True, False])
def test_a_session_id_that_is_taken_by_other_files_becomes_a_rejection_that_says_so(ledger: Ledger, together: bool) -> None:
    real = made_arrival(1)
    if together:
        answer = ledger.register_many([real, forged("x")])
    else:
        ledger.register_many([real])
        answer = ledger.register_many([forged("x")])
    assert answer.conflicts == (real.manifest.session,)
    assert list(ledger.raw_files()["path"]) == [file.path for file in real.manifest.files]
    rejections = ledger.rejections()
    assert list(rejections["source_file"]) == ["forged.json"]
    assert real.manifest.session in rejections["reason"][0]
    ledger.register_many([forged("x")])
    assert ledger.accounting() == Accounting(read=2, accepted=0, quarantined=0, rejected=1, pending=1)


def test_the_same_bytes_from_the_same_file_are_rejected_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.reject("a.json", "not JSON", "0" * 64)
    ledger.reject("b.json", "not JSON", "0" * 64)
    ledger.reject("a.json", "not JSON either", "1" * 64)
    ledger.reject("nul\x00 and half\ud800.json", "found '\x00\ud800'", "2" * 64)
    assert ledger.accounting() == Accounting(read=4, accepted=0, quarantined=0, rejected=4, pending=0)
    assert list(ledger.rejections()["source_file"]) == ["a.json", "a.json", "b.json", "nul\ufffd and half?.json"]


def test_what_is_a_session_is_not_counted_as_rejected_as_well(ledger: Ledger) -> None:
    content = made_manifest(1).files[0].sha256
    ledger.reject("a.json", "an old reader could not read it", content)
    ledger.reject("elsewhere.json", "the same bytes from another file", content)
    ledger.register_many([made_arrival(1, source_file="a.json")])
    assert list(ledger.rejections()["source_file"]) == ["elsewhere.json"]
    ledger.reject("a.json", "an old reader still cannot read it", content)
    assert ledger.accounting() == Accounting(read=2, accepted=0, quarantined=0, rejected=1, pending=1)


def test_a_session_walks_the_path(ledger: Ledger) -> None:
    (one,) = enter(ledger, 1)
    assert states(ledger) == {one: ("arrived", None)}
    ledger.mark_verified([one])
    assert states(ledger) == {one: ("verified", None)}
    ledger.mark_read({one: "kind=x/1.parquet"}, {one: {"cores": 2, "note": None, "nan": float("nan")}})
    assert states(ledger) == {one: ("read", None)}
    assert ledger.sessions()["profile"][0] == {"cores": 2, "note": None, "nan": None}
    assert ledger.sessions()["batch"][0] == "kind=x/1.parquet"
    assert ledger.accounting() == Accounting(read=1, accepted=0, quarantined=0, rejected=0, pending=1)
    ledger.record_verdicts(judged([one], "accepted"))
    assert states(ledger) == {one: ("judged", "accepted")}
    assert ledger.accounting() == Accounting(read=1, accepted=1, quarantined=0, rejected=0, pending=0)


def test_a_step_that_was_not_reached_is_not_passed_over(ledger: Ledger) -> None:
    (one,) = enter(ledger, 1)
    ledger.mark_read({one: "x"}, {})
    assert states(ledger) == {one: ("arrived", None)}
    ledger.record_verdicts(judged([one], "accepted"))
    assert states(ledger) == {one: ("arrived", None)}
    ledger.mark_verified([one])
    ledger.record_verdicts(judged([one], "accepted"))
    assert states(ledger) == {one: ("verified", None)}


def test_marking_again_what_went_further_takes_nothing_back(ledger: Ledger) -> None:
    (one,) = read(ledger, 1)
    ledger.record_verdicts(judged([one], "accepted"))
    ledger.mark_verified([one])
    assert states(ledger) == {one: ("judged", "accepted")}


@pytest.mark.parametrize("stage", ["verify", "read"])
def test_a_reason_for_quarantine_before_the_judge_ends_the_path_until_it_is_gone(ledger: Ledger, stage: str) -> None:
    one, two = enter(ledger, 1, 2)
    ledger.record_findings("verify", [one, two], NOTHING)
    if stage == "read":
        ledger.mark_verified([one, two])
    reason = made_findings((one, "integrity.hash", "quarantine"), (two, "integrity.note", "warning"))
    ledger.record_findings(stage, [one, two], reason)
    assert states(ledger)[one] == ("judged", "quarantined")
    assert states(ledger)[two] != ("judged", "quarantined")
    ledger.mark_verified([one, two])
    ledger.mark_read({one: "x", two: "x"}, {})
    ledger.record_verdicts(judged([one, two], "accepted"))
    assert states(ledger) == {one: ("judged", "quarantined"), two: ("judged", "accepted")}
    assert ledger.accounting() == Accounting(read=2, accepted=1, quarantined=1, rejected=0, pending=0)
    ledger.record_findings(stage, [one], NOTHING)
    ledger.mark_read({one: "x"}, {})
    ledger.record_verdicts(judged([one], "accepted with warnings"))
    assert states(ledger)[one] == ("judged", "accepted with warnings")


def test_a_session_held_at_verify_goes_on_from_there_when_the_reason_is_gone(ledger: Ledger) -> None:
    (one,) = enter(ledger, 1)
    ledger.record_findings("verify", [one], made_findings((one, "integrity.hash", "quarantine")))
    ledger.record_findings("verify", [one], NOTHING)
    ledger.mark_verified([one])
    assert states(ledger) == {one: ("verified", None)}


def test_a_later_batch_reveals_an_earlier_fabrication(ledger: Ledger) -> None:
    one, two = read(ledger, 1, 2)
    ledger.record_judgement(judged([one], "accepted"), NOTHING)
    found = made_findings((one, "fabrication.same", "quarantine"), (two, "fabrication.same", "quarantine"))
    ledger.record_judgement(judged([one, two], "quarantined"), found)
    assert ledger.accounting() == Accounting(read=2, accepted=0, quarantined=2, rejected=0, pending=0)
    assert set(ledger.findings()["session"]) == {one, two}


def test_findings_are_replaced_for_their_stage_and_sessions_only(ledger: Ledger) -> None:
    one, two = read(ledger, 1, 2)
    ledger.record_findings("read", [one], made_findings((one, "read.note", "warning")))
    ledger.record_findings("check", [one, two], made_findings((one, "a.old", "warning"), (two, "b.old", "warning")))
    ledger.record_findings("check", [one], made_findings((one, "z.new", "warning"), (one, "c.new", "warning")))
    found = ledger.findings()
    assert [tuple(row) for row in found[["session", "rule", "stage"]].itertuples(index=False)] == [
        (one, "c.new", "check"),
        (one, "z.new", "check"),
        (one, "read.note", "read"),
        (two, "b.old", "check"),
    ]
    assert list(ledger.sessions()["warnings"]) == [["c.new", "read.note", "z.new"], ["b.old"]]
    assert list(ledger.findings([two])["rule"]) == ["b.old"]


def test_the_order_of_findings_and_repetitions_make_no_difference_and_no_write(ledger: Ledger, engine: Engine) -> None:
    one, two = read(ledger, 1, 2)
    rows = [(one, "b", "warning"), (two, "a", "quarantine"), (one, "a", "warning"), (one, "b", "warning")]
    ledger.record_judgement(judged([one, two], "quarantined"), made_findings(*rows))

    def versions() -> list[tuple[object, ...]]:
        with engine.connect() as connection:
            query = "SELECT session, stage, number, rule, xmin::text FROM assay.findings ORDER BY session, stage, number"
            sessions = "SELECT session, xmin::text, changed_at FROM assay.sessions ORDER BY session"
            return [tuple(row) for row in [*connection.execute(text(query)), *connection.execute(text(sessions))]]

    before = versions()
    ledger.record_judgement(judged([two, one], "quarantined"), made_findings(*reversed(rows)))
    assert versions() == before
    assert len(ledger.findings()) == 3


def test_findings_with_numbers_gaps_and_odd_texts_are_kept_as_text(ledger: Ledger) -> None:
    (one,) = read(ledger, 1)
    frame = made_findings((one, "a", "warning")).assign(
        value=1.25, expected=None, message="nul\x00 tab\t 'quote'", more="ignored"
    )
    ledger.record_findings("check", [one], frame)
    row = ledger.findings().iloc[0]
    assert (row["value"], row["expected"], row["message"]) == ("1.25", "", "nul\ufffd tab\t 'quote'")


def test_findings_and_verdicts_that_make_no_sense_change_nothing(ledger: Ledger) -> None:
    one, two = read(ledger, 1, 2)
    ledger.record_findings("check", [one], made_findings((one, "a", "warning")))
    stranger = made_manifest(99).session
    for wrong in (
        lambda: ledger.record_findings("check", [one], made_findings((two, "a", "warning"))),
        lambda: ledger.record_findings("nothing", [one], NOTHING),
        lambda: ledger.record_findings("check", [one], made_findings((one, "a", "fatal"))),
        lambda: ledger.record_verdicts(judged([one], "fine")),
        lambda: ledger.record_judgement(judged([one], "fine"), made_findings((one, "b", "warning"))),
    ):
        with pytest.raises(ValueError, match=r"expected one of|not among"):
            wrong()
    for unknown in (
        lambda: ledger.record_findings("check", [one, stranger], NOTHING),
        lambda: ledger.record_verdicts(judged([stranger], "accepted")),
        lambda: ledger.mark_read({stranger: "x"}, {}),
    ):
        with pytest.raises(AssayError, match=stranger):
            unknown()
    assert list(ledger.findings()["rule"]) == ["a"]
    assert states(ledger)[one] == ("read", None)


def test_compaction_moves_rows_and_judges_nothing_anew(ledger: Ledger) -> None:
    one, two = read(ledger, 1, 2)
    (three,) = enter(ledger, 3)
    ledger.record_verdicts(judged([one], "accepted"))
    old = dict(ledger.batches().itertuples(index=False))
    moves = pd.DataFrame({"session": [one, two, three], "old": [old[one], "elsewhere", "elsewhere"], "new": "kind=x/big.parquet"})
    assert ledger.move_batches(moves) == 1
    frame = ledger.sessions().set_index("session")
    assert list(frame.loc[[one, two], "batch"]) == ["kind=x/big.parquet", old[two]]
    assert pd.isna(frame.loc[three, "batch"])
    assert states(ledger) == {one: ("judged", "accepted"), two: ("read", None), three: ("arrived", None)}


def test_a_run_has_an_accounting_of_its_own_that_follows_its_sessions(ledger: Ledger) -> None:
    begun, ended = datetime(2024, 11, 20, 9, tzinfo=UTC), datetime(2024, 11, 20, 10, tzinfo=UTC)
    ledger.register_many([made_arrival(1, run="other")])
    answer = ledger.register_many(made_arrival(number, run="import-1") for number in (1, 2, 3))
    assert (len(answer.new), len(answer.already_there)) == (2, 1)
    ledger.reject("bad.json", "not JSON", "0" * 64, run="import-1")
    first = ledger.record_run("import-1", "import x", started_at=begun, ended_at=ended, already_there=1)
    assert first == Accounting(read=4, accepted=0, quarantined=0, rejected=1, pending=2)
    sessions = [made_manifest(number).session for number in (1, 2, 3)]
    ledger.mark_verified(sessions)
    ledger.mark_read(dict.fromkeys(sessions, "x"), {})
    ledger.record_verdicts(judged(sessions, "accepted"))
    again = ledger.record_run("import-1", "import x", started_at=begun, ended_at=ended, already_there=1)
    assert again == Accounting(read=4, accepted=2, quarantined=0, rejected=1, pending=0)
    assert ledger.accounting("import-1").accepted == 2
    (row,) = ledger.runs().to_dict("records")
    assert (row["run"], row["read"], row["already_there"], row["accepted"], row["pending"]) == ("import-1", 4, 1, 2, 0)


@pytest.mark.parametrize("count", [10, 2_000, pytest.param(50_000, marks=pytest.mark.full)])
def test_a_batch_of_any_size_is_a_few_statements(ledger: Ledger, engine: Engine, count: int) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    sessions = enter(ledger, *range(count))
    ledger.mark_verified(sessions)
    ledger.mark_read(dict.fromkeys(sessions, "x"), {})
    found = made_findings(*((session, "a", "warning") for session in sessions))
    ledger.record_judgement(judged(sessions, "accepted with warnings"), found)
    assert ledger.accounting().accepted == count
    assert len(statements) < 60
