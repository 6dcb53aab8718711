"""integrity.*: a session is whole, means what it says, and every number counts once."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_batches import batch, findings_of, found_in, real_batch, run, session, shuffled, stream

OK = stream(45.217, 44.819, 42.103, 41.984)


def names(made: object, *positions: int) -> list[str]:
    return [made.sessions["session"].iloc[position] for position in positions]  # type: ignore[attr-defined]


def files_with(rule: str, test_data: Path) -> set[str]:
    made, files, _ = real_batch("aws-instance-benchmarks", test_data / "instance-benchmarks")
    return {files[name].rpartition("/")[2] for name in found_in(rule, made)}


def test_integrity_suite_payload_names_the_three_mislabelled_results(test_data: Path) -> None:
    assert files_with("integrity.suite-payload", test_data) == {
        "m7i.large-hpl-20250629-082020.json",
        "i3.large-hpl-20250629-095154.json",
        "i3.large-hpl-20250629-095209.json",
    }


def test_integrity_suite_payload_says_what_was_found() -> None:
    made = batch(
        session("m7i.large", OK, claimed_suite="hpl", claimed_payload=["stream"]), session("m7i.large", OK, claimed_suite="hpl")
    )
    [row] = findings_of("integrity.suite-payload", made).to_dict("records")
    assert (row["value"], row["expected"]) == ("stream", "hpl")
    assert row["message"] == "The session is labelled 'hpl', but holds the results of stream."


def test_integrity_placeholder_digest_names_all_103_results_with_a_checksum(test_data: Path) -> None:
    assert len(files_with("integrity.placeholder-digest", test_data)) == 103


def test_integrity_placeholder_digest_leaves_a_real_digest_alone() -> None:
    made = batch(
        session("m7i.large", OK, claimed_digests=["0" * 32]),
        session("m7i.large", OK, claimed_digests=["d41d8cd98f00b204e9800998ecf8427e"]),
    )
    assert found_in("integrity.placeholder-digest", made) == names(made, 1)


def test_integrity_placeholder_reproducibility_names_all_103_results_that_claim_it(test_data: Path) -> None:
    assert len(files_with("integrity.placeholder-reproducibility", test_data)) == 103


def test_integrity_placeholder_reproducibility_needs_one_run_and_certainty() -> None:
    claims = [(1, 1.0), (3, 1.0), (1, 0.5), (None, None)]
    made = batch(*(session("m7i.large", OK, claimed_runs=runs, claimed_confidence=sure) for runs, sure in claims))
    assert found_in("integrity.placeholder-reproducibility", made) == names(made, 0)


def test_integrity_two_clocks_names_every_real_result(test_data: Path) -> None:
    assert len(files_with("integrity.two-clocks", test_data)) == 124


def test_integrity_two_clocks_leaves_one_time_zone_alone() -> None:
    made = batch(
        session("m7i.large", OK, claimed_utc_offsets=["+00:00", "+00:00"]),
        session("m7i.large", OK, claimed_utc_offsets=["+00:00", "-07:00"]),
    )
    assert found_in("integrity.two-clocks", made) == names(made, 1)


def test_integrity_empty_for_null_names_the_eight_real_results(test_data: Path) -> None:
    assert len(files_with("integrity.empty-for-null", test_data)) == 8


def test_integrity_empty_for_null_names_the_field() -> None:
    made = batch(session("m7i.large", OK, claimed_empty_fields=["public_ip"]), session("m7i.large", OK))
    [row] = findings_of("integrity.empty-for-null", made).to_dict("records")
    assert "public_ip" in row["message"]


def test_integrity_failed_holds_what_gave_no_result_and_has_no_reason_yet() -> None:
    crashed = run("stream", status="failed", exit_code=139)
    made = batch(
        session("m7i.large", OK),
        session("m7i.large", crashed),
        session("m7i.large", crashed, held=True),
        session("m7i.large", OK, crashed),
        session("m7i.large"),
    )
    found = findings_of("integrity.failed", made)
    assert sorted(found["session"]) == names(made, 1, 4)
    assert "exit code 139" in found["message"].iloc[0]


def test_integrity_failed_execution_warns_where_the_rest_finished() -> None:
    crashed = run("hpl", "GFLOPS", status="timeout", exit_code=None, error="killed after 70 s")
    made = batch(session("m7i.large", OK, crashed), session("m7i.large", OK), session("m7i.large", crashed))
    [row] = findings_of("integrity.failed-execution", made).to_dict("records")
    assert row["session"] == names(made, 0)[0]
    assert "killed after 70 s" in row["message"]


def test_integrity_required_metrics_wants_all_four_kernels() -> None:
    part_of_it = run("stream", copy_bandwidth=40.1, triad_bandwidth=41.2)
    made = batch(
        session("m7i.large", OK), session("m7i.large", part_of_it), session("m7i.large", run("hpl", "seconds", solve_time=3.0))
    )
    assert found_in("integrity.required-metrics", made) == names(made, 1, 2)


def test_integrity_unit_of_metric_finds_a_bandwidth_in_nanoseconds() -> None:
    wrong = run("stream_cache", l1_bandwidth=(900.0, "nanoseconds"), l2_bandwidth=(500.0, "GB/s"))
    made = batch(session("m7i.large", OK), session("m7i.large", wrong))
    [row] = findings_of("integrity.unit-of-metric", made).to_dict("records")
    assert row["message"] == "l1_bandwidth is given in nanoseconds."


def test_integrity_repeated_number_finds_mixed_outputs() -> None:
    made = batch(session("m7i.large", OK), session("m7i.large", OK, OK))
    assert found_in("integrity.repeated-number", made) == names(made, 1)


def test_integrity_repeated_file_keeps_the_session_with_the_most_files() -> None:
    same = {"stream/all/1/stdout.txt": "the same output"}
    more = run("hpl", "GFLOPS", gflops=50.0)
    made = batch(
        session("m7i.large", OK, contents=same),
        session("m7i.large", OK, more, contents=same),
        session("c7g.large", OK, contents=same),
    )
    assert found_in("integrity.repeated-file", made) == names(made, 0)
    assert found_in("integrity.repeated-file", shuffled(made, 1)) == names(made, 0)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_integrity_not_finite_finds_what_is_no_number(value: float) -> None:
    made = batch(session("m7i.large", OK), session("m7i.large", run("redis", "operations/s", set_rps=value)))
    assert found_in("integrity.not-finite", made) == names(made, 1)
