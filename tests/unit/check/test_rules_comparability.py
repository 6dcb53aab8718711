"""comparability.*: where a key is weak."""

from __future__ import annotations

from pathlib import Path

from made_batches import batch, findings_of, found_in, real_batch, run, session, stream

OK = stream(45.217, 44.819, 42.103, 41.984)


def held(rule: str, *runs: object, **profile: object) -> list[int]:
    made = batch(*(session("m7i.large", one, **profile) for one in runs))
    return [list(made.sessions["session"]).index(name) for name in found_in(rule, made)]


def test_comparability_unknown_key_names_the_parts() -> None:
    unknown = stream(45.2, 44.8, 42.1, 41.9, version="unknown (elsewhere)", size_policy="unknown")
    made = batch(session("m7i.large", OK), session("m7i.large", unknown))
    [row] = findings_of("comparability.unknown-key", made).to_dict("records")
    assert row["value"] == "unknown: version, size policy"


def test_comparability_unpinned_version_names_every_real_result(test_data: Path) -> None:
    made, _, _ = real_batch("aws-instance-benchmarks", test_data / "instance-benchmarks")
    assert len(found_in("comparability.unpinned-version", made)) == 124


def test_comparability_unpinned_version_leaves_a_number_alone() -> None:
    made = batch(
        session("m7i.large", OK, claimed_version="7.4.0"),
        session("m7i.large", OK, claimed_version="stable"),
        session("m7i.large", OK),
    )
    assert found_in("comparability.unpinned-version", made) == [made.sessions["session"][1]]


def test_comparability_variant_names_the_policy() -> None:
    assert held("comparability.variant", OK, stream(45.2, 44.8, 42.1, 41.9, size_policy="variant-memory")) == [1]


def test_comparability_implementations_disagree_beyond_15_percent() -> None:
    def both(other: float) -> list[object]:
        return [OK, stream(other, other, other, other, implementation="hpcc")]

    made = batch(session("m7i.large", *both(43.0)), session("m7i.large", *both(60.0)), session("m7i.large", OK))  # type: ignore[arg-type]
    assert found_in("comparability.implementations-disagree", made) == [made.sessions["session"][1]]


def test_comparability_small_problem_knows_the_caches() -> None:
    def hpl(order: int) -> object:
        return run("hpl", "GFLOPS", gflops=50.0, problem_sizes={"gflops": order})

    assert held("comparability.small-problem", hpl(1_500), hpl(4_000)) == [0]
    assert held("comparability.small-problem", hpl(4_000), hpl(9_000), llc_total_bytes=480 * 2**20) == [0]
