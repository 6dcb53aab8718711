"""stability.*: how steady the machine was. All are warnings."""

from __future__ import annotations

import numpy as np
from assay.check.registry import all_rules
from assay.check.shape import rank_correlation, two_levels
from hypothesis import given
from hypothesis import strategies as st
from made_batches import batch, findings_of, found_in, run, session, stream
from scipy.stats import spearmanr


def held(rule: str, *runs: object, subject: str = "m7i.large") -> list[int]:
    made = batch(*(session(subject, one) for one in runs))
    return [list(made.sessions["session"]).index(name) for name in found_in(rule, made)]


def passes(values: list[float]) -> object:
    return run("stream", triad_bandwidth=max(values), passes={"triad_bandwidth": values})


def test_stability_rules_never_quarantine() -> None:
    assert {rule.severity.value for rule in all_rules() if rule.id.startswith("stability.")} == {"warning"}


def test_stability_cv_names_the_worst_metric() -> None:
    steady = [stream(45, 44, 42, 41 + number / 10, execution=number) for number in (1, 2, 3)]
    shaky = [stream(45, 44, 42, 41 + 5 * number, execution=number) for number in (1, 2, 3)]
    made = batch(session("m7i.large", *steady), session("m7i.large", *shaky))
    [row] = findings_of("stability.cv", made).to_dict("records")
    assert row["session"] == made.sessions["session"][1]
    assert row["message"] == "triad_bandwidth (all) scatters by 9.8 % > 5 % over 3 executions."


def test_stability_cv_looks_at_the_spread_of_a_summary() -> None:
    assert held(
        "stability.cv",
        run("membench", "nanoseconds", latency=10.0, summary=(21, 0.2)),
        run("membench", "nanoseconds", latency=10.0, summary=(21, 2.0)),
    ) == [1]


def test_stability_drift_wants_a_trend_and_a_change() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.2, 20)
    falling, level = list(45 - np.arange(20) * 0.3 + noise), list(45 + noise)
    assert held("stability.drift", passes(falling), passes(level), passes(falling[:8])) == [0]


def test_stability_bimodal_wants_two_levels() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.2, 24)
    two, one = list(np.where(np.arange(24) % 3 == 0, 30.0, 45.0) + noise), list(45 + noise)
    made = batch(session("m7i.large", passes(two)), session("m7i.large", passes(one)))  # type: ignore[arg-type]
    [row] = findings_of("stability.bimodal", made).to_dict("records")
    assert row["session"] == made.sessions["session"][0]


def test_stability_burstable_compares_with_the_best_of_the_type() -> None:
    fast, slow = stream(30, 30, 28, 27), stream(9, 9, 8, 8)
    assert held("stability.burstable", fast, slow, subject="t3.large") == [1]
    assert held("stability.burstable", fast, slow, subject="m5.large") == []


def test_stability_far_from_family_warns_at_ten_times() -> None:
    family = [session(f"m7i.{size}", run("x", "score", points=100.0)) for size in ("large", "xlarge", "2xlarge", "4xlarge")]
    made = batch(*family, session("m7i.large", run("x", "score", points=5_000.0)))
    assert found_in("stability.far-from-family", made) == [made.sessions["session"].iloc[-1]]


@given(st.lists(st.lists(st.integers(0, 6).map(float) | st.floats(-1e3, 1e3), min_size=3, max_size=9), min_size=1, max_size=4))
def test_rank_correlation_is_spearmans_for_any_values(groups: list[list[float]]) -> None:
    group = np.repeat(np.arange(len(groups)), [len(values) for values in groups])
    r, p = rank_correlation(group, np.concatenate([np.array(values) for values in groups]))
    for number, values in enumerate(groups):
        if len(set(values)) == 1:
            assert (r[number], p[number]) == (0.0, 1.0)
        else:
            expected = spearmanr(range(len(values)), values)
            assert np.isclose(r[number], expected.statistic)
            assert np.isclose(p[number], expected.pvalue, atol=1e-6) or abs(r[number]) > 1 - 1e-9


@given(st.lists(st.floats(1.0, 1e3), min_size=10, max_size=30))
def test_two_levels_finds_the_split_with_the_least_error_for_any_values(values: list[float]) -> None:
    data = np.sort(np.array(values))
    low, high, _ = two_levels(np.zeros(len(data), dtype=np.int64), np.array(values), 0.2)
    splits = [at for at in range(1, len(data)) if min(at, len(data) - at) >= 0.2 * len(data)]
    error = {at: data[:at].var() * at + data[at:].var() * (len(data) - at) for at in splits}
    least = min(error.values())
    means = [
        (data[:at].mean() - data.mean(), data[at:].mean() - data.mean())
        for at in splits
        if error[at] <= least * (1 + 1e-6) + 1e-9
    ]
    assert any(np.allclose((low[0], high[0]), pair, atol=1e-6) for pair in means)
