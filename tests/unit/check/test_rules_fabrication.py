"""fabrication.*: made-up results are found from the data, and honest ones are not suspected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from assay.check.rule import Batch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_batches import (
    batch,
    findings_of,
    found_in,
    part,
    real_batch,
    run,
    session,
    shuffled,
    stream,
    with_values,
)

MEASURED = (
    "c7g.large-stream-20250629-232158.json",
    "m7i.large-stream-20250629-231149.json",
    "m7i.large-stream-20250629-232158.json",
    "m7i.large-hpl-20250629-235723.json",
)
QUARANTINING = ("fabrication.same-vector", "fabrication.constant-multiple", "fabrication.zero-variance", "fabrication.duration")


def made_up(given_batch: Batch) -> set[str]:
    return {name for rule in QUARANTINING for name in found_in(rule, given_batch)}


@pytest.fixture(scope="module")
def shared_results(test_data: Path) -> tuple[Batch, set[str]]:
    """The real results of 124 runs, and the four that were measured."""
    made, files, _ = real_batch("aws-instance-benchmarks", test_data / "instance-benchmarks")
    measured = {name for name, file in files.items() if file.rpartition("/")[2] in MEASURED}
    assert len(made.sessions) == 124
    assert len(measured) == 4
    return made, measured


def test_fabrication_same_vector_names_the_119_copies_among_the_real_results(shared_results: tuple[Batch, set[str]]) -> None:
    made, measured = shared_results
    copies = found_in("fabrication.same-vector", made)
    assert len(copies) == 119
    assert not measured & set(copies)


def test_fabrication_constant_multiple_names_the_scaled_copy_among_the_real_results(
    shared_results: tuple[Batch, set[str]],
) -> None:
    made, _ = shared_results
    [row] = findings_of("fabrication.constant-multiple", made).to_dict("records")
    assert "0.95 times" in row["message"]


def test_exactly_the_four_measured_results_are_not_taken_for_made_up(shared_results: tuple[Batch, set[str]]) -> None:
    made, measured = shared_results
    assert set(made.sessions["session"]) - made_up(made) == measured
    assert not measured & set(found_in("fabrication.too-round", made))


def test_no_result_of_spare_cores_is_taken_for_made_up(test_data: Path) -> None:
    made, _, _ = real_batch("spare-cores", test_data / "spare-cores")
    assert made_up(made) == set()


@pytest.mark.parametrize("decimals", [1, 2, 3, 6, 15])
@pytest.mark.parametrize("how", ["all alike", "each by itself"])
def test_the_made_up_vector_is_found_when_it_is_scaled_and_rounded_anew(
    shared_results: tuple[Batch, set[str]], decimals: int, how: str
) -> None:
    made, measured = shared_results
    rng = np.random.default_rng(decimals)
    names = sorted(set(made.measurements["session"]))
    own = np.exp(rng.uniform(-0.4, 0.9, len(names))) if how == "each by itself" else np.full(len(names), 1.37)
    factors = dict(zip(names, own, strict=True))
    factor = made.measurements["session"].map(factors).to_numpy(dtype=float)
    values = made.measurements["value"].to_numpy()
    is_measured = made.measurements["session"].isin(measured).to_numpy()
    anew = with_values(made, np.where(is_measured, values, np.round(values * factor, decimals)))
    missed = set(names) - measured - made_up(anew)
    assert not made_up(anew) & measured
    # One decimal leaves three digits, of which some results of their own factor show fewer: those prove nothing by themselves.
    assert len(missed) <= (3 if how == "each by itself" and decimals == 1 else 0)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_files_does_not_matter(shared_results: tuple[Batch, set[str]], seed: int) -> None:
    made, _ = shared_results
    for rule in QUARANTINING:
        here, there = (findings_of(rule, one).sort_values("session", ignore_index=True) for one in (made, shuffled(made, seed)))
        assert here.equals(there), rule


def test_a_later_batch_reveals_an_earlier_fabrication(shared_results: tuple[Batch, set[str]]) -> None:
    made, measured = shared_results
    names = sorted(set(made.sessions["session"]) - measured)
    subject = dict(zip(made.sessions["session"], made.sessions["subject"], strict=True))
    first = next(name for name in names if subject[name] == "c7g.large")
    second = next(name for name in names if subject[name] == "m5.large")
    assert made_up(part(made, [first, *measured])) == set()
    assert made_up(part(made, [first, second, *measured])) == {first, second}


def test_three_copies_on_one_processor_are_enough() -> None:
    rows = [session(kind, stream(45.2, 44.8, 42.1, 41.9)) for kind in ("m7i.large", "r7i.large", "c7i.large")]
    assert len(found_in("fabrication.same-vector", batch(*rows))) == 3


def test_fabrication_same_vector_needs_more_than_a_few_digits_in_common() -> None:
    coarse = [session(kind, stream(45, 44, 42, 42)) for kind in ("m7i.large", "r7i.large")]
    fine = [session(kind, stream(45.2171, 44.8192, 42.1033, 41.9844)) for kind in ("m7i.large", "r7i.large")]
    assert found_in("fabrication.same-vector", batch(*coarse)) == []
    assert len(found_in("fabrication.same-vector", batch(*fine))) == 2


def test_fabrication_same_vector_leaves_a_loop_that_counts_ticks_alone() -> None:
    """An integer loop on one core repeats to four digits on machines with one processor: that is honest."""
    ticks = [1519.58, 1519.58, 1519.58, 1519.58, 1519.08, 1519.18, 1519.5, 1519.68, 1520.19, 1518.88]
    kinds = [
        "m6g.large",
        "c6g.large",
        "r6g.large",
        "m6g.xlarge",
        "c6g.xlarge",
        "r6g.xlarge",
        "t4g.large",
        "c6gn.large",
        "m6gd.large",
        "r6gd.large",
    ]
    runs = [run("stressngfull", "bogo-ops/s", threads="one", single_core=tick) for tick in ticks]
    rows = [session(kind, one) for kind, one in zip(kinds, runs, strict=True)]
    assert found_in("fabrication.same-vector", batch(*rows)) == []


def test_fabrication_constant_multiple_finds_a_pair() -> None:
    pair = batch(session("m7i.large", stream(45.2, 44.8, 42.1, 41.9)), session("c7g.large", stream(42.94, 42.56, 39.995, 39.805)))
    assert len(found_in("fabrication.constant-multiple", pair)) == 2


def test_fabrication_constant_multiple_leaves_noisy_relatives_alone() -> None:
    rng = np.random.default_rng(7)
    true = np.array([45.2, 44.8, 42.1, 41.9])
    rows = [
        session(kind, stream(*np.round(true * scale * np.exp(rng.normal(0, 0.004, 4)), 2)))
        for scale, kind in enumerate(("m7i.large", "c7g.large", "m7a.large", "c6i.large", "c6g.large", "m5.large"), start=1)
    ]
    assert found_in("fabrication.constant-multiple", batch(*rows)) == []


def test_fabrication_zero_variance_finds_executions_and_passes_that_repeat() -> None:
    again = [stream(45.217, 44.819, 42.103, 41.984, execution=number) for number in (1, 2, 3)]
    steady = run("stream", triad_bandwidth=41.1, passes={"triad_bandwidth": [41.0273] * 12})
    noisy = run("stream", triad_bandwidth=41.1, passes={"triad_bandwidth": list(np.linspace(41, 41.1, 12))})
    made = batch(session("m7i.large", *again), session("m7i.large", steady), session("m7i.large", noisy))
    assert found_in("fabrication.zero-variance", made) == [made.sessions["session"][0], made.sessions["session"][1]]


def test_fabrication_zero_variance_takes_a_file_that_was_stored_twice_for_one_measurement() -> None:
    rows = [
        session("m7i.large", stream(45.217, 44.819, 42.103, 41.984), contents={"stream/all/1/stdout.txt": "the same bytes"})
        for _ in range(3)
    ]
    made = batch(*rows)
    assert found_in("fabrication.zero-variance", made) == []
    assert len(found_in("integrity.repeated-file", made)) == 2


def test_fabrication_too_round_wants_more_than_three_digits_somewhere() -> None:
    made = batch(session("m7i.large", stream(45.2, 44.8, 42.1, 41.9)), session("m7i.large", stream(45.2, 44.8, 42.1, 41.93)))
    assert found_in("fabrication.too-round", made) == [made.sessions["session"][0]]


def test_fabrication_duration_compares_the_time_with_the_work() -> None:
    size = dict.fromkeys(("copy_bandwidth", "scale_bandwidth", "add_bandwidth", "triad_bandwidth"), 10**9)
    slow = stream(10, 10, 10, 10, duration_s=1.01, problem_sizes=size)  # 10 GB at 10 GB/s
    quick = stream(10, 10, 10, 10, duration_s=0.5, problem_sizes=size)
    solved = run("hpl", "GFLOPS", gflops=100.0, problem_sizes={"gflops": 10_000}, duration_s=6.0)  # 668 GFLOP
    made = batch(session("m7i.large", slow), session("m7i.large", quick), session("m7i.large", solved))
    assert found_in("fabrication.duration", made) == list(made.sessions["session"][1:])


SUBJECTS = st.sampled_from(["m7i.large", "c7g.large", "r7a.large", "host-0a1b2c3d", "x9.large"])
VALUES = st.floats(min_value=1e-300, max_value=1e300) | st.sampled_from([0.0, 1.0, 45.2, 1e-12, -3.0])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(SUBJECTS, st.lists(VALUES, min_size=4, max_size=4)), max_size=12),
    st.integers(0, 100),
)
def test_any_values_are_judged_alike_in_any_order(rows: list[tuple[str, list[float]]], seed: int) -> None:
    made = batch(*(session(subject, stream(*values)) for subject, values in rows))
    assert made_up(made) == made_up(shuffled(made, seed))


@pytest.mark.parametrize("decimals", [1, 2, 4, 12])
def test_honest_fleets_are_not_suspected(decimals: int) -> None:
    """The small form of benchmarks/false_alarms.py: 20 fleets, printed coarsely to finely."""
    kinds = [
        "m7i.large",
        "c7g.large",
        "m7a.large",
        "c6i.large",
        "m6a.large",
        "c6g.large",
        "m5.large",
        "m5a.large",
        "c8g.large",
        "m8i.large",
    ]
    rng = np.random.default_rng(decimals)
    suspected = 0
    for _ in range(20):
        true = np.exp(rng.normal(3, 0.5, (len(kinds), 1)) + rng.normal(0, 0.03, (len(kinds), 4)))
        rows = [
            session(kind, stream(*np.round(true[number] * np.exp(rng.normal(0, 0.01, 4)), decimals)))
            for number, kind in enumerate(kinds)
            for _ in range(3)
        ]
        suspected += len(made_up(batch(*rows)))
    assert suspected == 0
