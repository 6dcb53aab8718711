"""physics.*: orders, ceilings and sums that hold whatever is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.check.registry import all_rules
from made_batches import batch, findings_of, found_in, real_batch, run, session, stream

OK = stream(45.217, 44.819, 42.103, 41.984)


def caches(l1: float, l2: float, l3: float, dram: float) -> object:
    return run("cache_latency", "nanoseconds", threads="one", l1_latency=l1, l2_latency=l2, l3_latency=l3, dram_latency=dram)


def hpl(gflops: float, seconds: float, order: int, **more: float) -> object:
    sizes = {"gflops": order, "solve_time": order}
    return run("hpl", "GFLOPS", gflops=gflops, solve_time=(seconds, "seconds"), problem_sizes=sizes, **more)


def held(rule: str, *runs: object, subject: str = "m7i.large", **profile: object) -> list[int]:
    """The positions of the runs in which the rule finds something."""
    made = batch(*(session(subject, one, **profile) for one in runs))
    return [list(made.sessions["session"]).index(name) for name in found_in(rule, made)]


def test_physics_latency_order_wants_levels_that_rise() -> None:
    runs = (
        caches(1.2, 4.0, 12.0, 90.0),
        caches(1.2, 12.0, 4.0, 90.0),
        caches(1.93, 1.93, 1.93, 1.93),
        caches(4.0, 3.9, 12.0, 90.0),
    )
    assert held("physics.latency-order", *runs) == [1, 2]  # 2.5 % are noise


def test_physics_latency_order_says_how_far_memory_must_be() -> None:
    made = batch(session("c7g.large", caches(1.93, 1.93, 1.93, 1.93)))
    assert (
        findings_of("physics.latency-order", made)["message"][0]
        == "L1 answers in 1.93 and DRAM in 1.93 nanoseconds; expected DRAM at least 5x L1."
    )


def test_physics_latency_order_allows_what_repetitions_differ_by() -> None:
    """On a busy host the third level may answer as slowly as memory; that it scatters shows in its own repetitions."""
    sizes = {"l1_latency": 1, "l3_latency": 300, "dram_latency": 900}

    def result(l3: list[float], execution: int = 1) -> object:
        metrics = {"l1_latency": 1.1, "l3_latency": l3[0], "dram_latency": 90.0}
        return run(
            "cache_latency",
            "nanoseconds",
            execution=execution,
            problem_sizes={**sizes, "latency": 300},
            passes={"latency": l3},
            **metrics,
        )

    steady, scattered = result([110.0, 110.5, 109.5]), result([110.0, 34.0, 112.0])
    assert held("physics.latency-order", steady, scattered) == [0]
    twice = batch(session("m7i.large", result([110.0]), result([34.0], execution=2)))
    assert found_in("physics.latency-order", twice) == []


def test_physics_latency_order_joins_levels_that_were_run_one_by_one() -> None:
    runs = [
        run(
            "cache_latency",
            "nanoseconds",
            size_policy=f"ptr-chase-{level}",
            tool=f"stress_ng_{level}",
            **{f"{level}_latency": value},
        )
        for level, value in (("l2", 40.0), ("l3", 12.0), ("dram", 90.0))
    ]
    made = batch(session("m7i.large", *runs))
    assert len(found_in("physics.latency-order", made)) == 1


def test_physics_latency_order_takes_working_sets_by_their_size() -> None:
    def sweep(values: list[float]) -> object:
        metrics = {f"latency_{2**number}kib": value for number, value in enumerate(values)}
        return run("membench", "nanoseconds", problem_sizes={name: 1024 * 2**n for n, name in enumerate(metrics)}, **metrics)

    assert held("physics.latency-order", sweep([1.1, 1.0, 4.0, 90.0]), sweep([1.1, 4.0, 90.0, 1.1])) == [1]


def test_physics_bandwidth_order_compares_the_ends_of_a_sweep() -> None:
    rising = run("stream_cache", l1_bandwidth=10.0, l2_bandwidth=20.0, l3_bandwidth=30.0)
    falling = run("stream_cache", l1_bandwidth=900.0, l2_bandwidth=950.0, l3_bandwidth=200.0)
    assert held("physics.bandwidth-order", rising, falling) == [0]


def test_physics_bandwidth_ceiling_knows_the_memory_of_a_type() -> None:
    runs = (stream(420, 420, 410, 400), stream(900, 900, 900, 900))
    assert held("physics.bandwidth-ceiling", *runs, subject="c7g.large") == [1]
    assert held("physics.bandwidth-ceiling", *runs, subject="m5.large") == [0, 1]  # DDR4: 8 channels of 3.2 GT/s
    assert held("physics.bandwidth-ceiling", *runs, subject="host-0a1b2c3d", memory_type="DDR4", sockets=1, vcpus=64) == [0, 1]


def test_physics_bandwidth_ceiling_holds_small_arrays_to_the_cores() -> None:
    cached = stream(900, 900, 900, 900, size_policy="variant-memory")
    assert held("physics.bandwidth-ceiling", cached, subject="c7g.large") == []


def test_physics_gflops_ceiling_knows_clock_cores_and_vectors() -> None:
    clock = {"sustained_clock": (3.0, "GHz")}
    runs = [run("hpl", "GFLOPS", gflops=value, **clock) for value in (190.0, 240.0)]
    # 4 processors x 3.0 GHz x 16 operations a cycle with 256 bits = 192; a tenth for the clock, a twentieth for the margin: 222
    assert held("physics.gflops-ceiling", *runs, subject="host-0a1b2c3d", vcpus=4, vector_bits=256) == [1]


@pytest.mark.parametrize("benchmark", ["hpl_mkl", "dgemm"])
def test_physics_gflops_ceiling_holds_for_vendor_libraries_and_products(benchmark: str) -> None:
    metric = "gflops" if benchmark == "hpl_mkl" else "widest_gflops"
    runs = [run(benchmark, "GFLOPS", threads="one", sustained_clock=(3.0, "GHz"), **{metric: value}) for value in (45.0, 60.0)]
    assert held("physics.gflops-ceiling", *runs, subject="host-0a1b2c3d", vcpus=4, vector_bits=256) == [1]


def test_physics_bandwidth_ceiling_holds_caches_to_a_core() -> None:
    runs = [run("stream_cache", threads="one", l1_bandwidth=value, l2_bandwidth=90.0) for value in (600.0, 2_000.0)]
    assert held("physics.bandwidth-ceiling", *runs, subject="host-0a1b2c3d", vcpus=4) == [1]


def test_physics_numa_order_wants_the_own_node_to_be_the_faster() -> None:
    def numa(near: float, far: float, near_ns: float, far_ns: float) -> object:
        latency = {"local_latency": (near_ns, "nanoseconds"), "remote_latency": (far_ns, "nanoseconds")}
        return run("numa", local_bandwidth=near, remote_bandwidth=far, **latency)

    runs = (
        numa(200, 120, 90, 140),
        numa(200, 260, 90, 140),
        numa(200, 120, 90, 60),
        numa(200, 210, 90, 88),
        run("numa", local_bandwidth=200.0),
    )
    assert held("physics.numa-order", *runs) == [1, 2]  # 5 % are noise; one node has nothing to compare


def test_physics_hpl_work_recomputes_the_rate() -> None:
    runs = (hpl(66.9, 9.96, 10_000), hpl(200.0, 9.96, 10_000))
    assert held("physics.hpl-work", *runs) == [1]


def test_physics_hpl_work_names_the_real_result_that_is_a_matrix_product(test_data: Path) -> None:
    made, files, _ = real_batch("aws-instance-benchmarks", test_data / "instance-benchmarks")
    [row] = findings_of("physics.hpl-work", made).to_dict("records")
    assert files[row["session"]].endswith("m7i.large-hpl-20250629-235723.json")
    assert row["message"] == "N = 1000 in 1.197 s is 0.558619 GFLOPS by (2/3 N^3 + 2 N^2) / t, not 1.671: this is no LU solve."


def test_physics_hpl_size_wants_a_matrix_that_fits_no_cache() -> None:
    unknown = run("hpl", "GFLOPS", gflops=50.0)
    assert held("physics.hpl-size", hpl(50, 1, 1_000), hpl(50, 1, 1_100), unknown) == [0, 2]


def test_physics_hpl_residual_wants_a_solution() -> None:
    assert held(
        "physics.hpl-residual", hpl(50, 1, 4_000, residual=(0.003, "ratio")), hpl(50, 1, 4_000, residual=(17.0, "ratio"))
    ) == [1]  # type: ignore[arg-type]


def test_physics_hpl_no_residual_warns_unless_the_reader_checked_it() -> None:
    checked = run("hpl", "GFLOPS", implementation="hpcc", gflops=50.0)
    assert held("physics.hpl-no-residual", hpl(50, 1, 4_000), checked) == [0]


def test_physics_zero_time_finds_times_and_runs_of_no_time() -> None:
    quick = stream(45.2, 44.8, 42.1, 41.9, duration_s=0.0)
    assert held("physics.zero-time", hpl(50, 0.0, 4_000), quick, OK, run("launch", "seconds", boot_time=0.0)) == [0, 1]


def test_physics_order_of_magnitude_finds_a_lost_unit() -> None:
    family = [session(f"m7i.{size}", stream(45, 44, 42, 41)) for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge")]
    lost = session("m7i.large", stream(45_000, 44_000, 42_000, 41_000))
    made = batch(*family, lost)
    assert found_in("physics.order-of-magnitude", made) == [made.sessions["session"].iloc[-1]]
    large = session("m7i.metal-48xl", stream(450, 440, 420, 410))
    assert found_in("physics.order-of-magnitude", batch(*family, large)) == []


@pytest.mark.parametrize(
    "rule",
    [rule.id for rule in all_rules() if rule.judge and rule.severity == "quarantine" and not rule.id.startswith("expectation.")],
)
def test_no_result_of_spare_cores_that_was_read_whole_is_quarantined(rule: str, test_data: Path) -> None:
    """They are honest results of real machines: what a rule holds here is a false alarm."""
    made, files, _ = real_batch("spare-cores", test_data / "spare-cores")
    whole = set(made.sessions.loc[~made.sessions["held"], "session"])
    assert [files[name] for name in found_in(rule, made) if name in whole] == []
