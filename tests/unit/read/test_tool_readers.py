"""Every reader on real outputs: the numbers that stand there, and never a part of them."""

from __future__ import annotations

import math
import re
import zlib
from statistics import median

import pytest
from assay.errors import Unreadable
from assay.measurement import UNITS, Execution, Measurement
from assay.read.registry import tool_readers
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import DATA, OURS, SAMPLES, Sample

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.path)
each_of_ours = pytest.mark.parametrize("sample", OURS, ids=lambda sample: sample.path)


def _read(sample: Sample, raw: str) -> list[Measurement]:
    return sample.reader.read(raw, sample.context)


def _values(found: list[Measurement]) -> dict[str, float]:
    """The values of the execution, by metric."""
    values = [(number.metric, number.value) for number in found if number.iteration is None]
    assert len(values) == len(dict(values)), "one value a metric and execution"
    return dict(values)


def test_every_reader_in_the_room_has_a_recorded_sample() -> None:
    assert {sample.tool for sample in SAMPLES} == set(tool_readers())


@each_sample
def test_a_whole_output_gives_finite_positive_numbers_in_known_units(sample: Sample) -> None:
    found = _read(sample, sample.raw)
    assert found
    assert all(math.isfinite(number.value) and number.value > 0 and number.unit in UNITS for number in found)
    assert any(number.benchmark == sample.reader.BENCHMARK and number.iteration is None for number in found)


@each_sample
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_truncation_is_unreadable_never_a_part(sample: Sample, data: st.DataObject) -> None:
    raw = sample.raw
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(Unreadable, match=r"line \d+"):
        _read(sample, raw[:cut])


@each_sample
def test_truncation_at_every_line_boundary_is_unreadable(sample: Sample) -> None:
    lines = sample.raw.splitlines(keepends=True)
    for count in range(len(lines)):
        with pytest.raises(Unreadable, match=r"line \d+"):
            _read(sample, "".join(lines[:count]))


@each_of_ours
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_change_to_an_output_of_our_kernels_is_unreadable(sample: Sample, data: st.DataObject) -> None:
    raw = sample.raw
    start = data.draw(st.integers(0, len(raw) - 1))
    end = data.draw(st.integers(start, min(len(raw), start + 40)))
    instead = data.draw(st.text(max_size=40))
    changed = raw[:start] + instead + raw[end:]
    if changed != raw:
        with pytest.raises(Unreadable, match=r"line \d+"):
            _read(sample, changed)


@each_sample
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_two_outputs_mixed_line_by_line_are_unreadable(sample: Sample, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from([one for one in SAMPLES if one.tool == sample.tool]))
    first, second = sample.raw.splitlines(keepends=True), other.raw.splitlines(keepends=True)
    turns = data.draw(st.permutations([0] * min(len(first), 40) + [1] * min(len(second), 40)))
    mixed = []
    for turn in turns:
        mixed.append((second if turn else first).pop(0))
    with pytest.raises(Unreadable):
        _read(sample, "".join([*mixed, *first, *second]))


@each_sample
def test_an_output_twice_is_unreadable(sample: Sample) -> None:
    with pytest.raises(Unreadable):
        _read(sample, sample.raw * 2)


@each_sample
def test_the_output_of_another_tool_is_unreadable(sample: Sample) -> None:
    for other in SAMPLES:
        if other.tool != sample.tool:
            with pytest.raises(Unreadable):
                _read(sample, other.raw)


@pytest.mark.parametrize("tool", sorted(tool_readers()))
@pytest.mark.parametrize("raw", ["", "\n", "  \n \n"])
def test_an_empty_output_is_unreadable_and_says_so(tool: str, raw: str) -> None:
    with pytest.raises(Unreadable, match="line 1: the file is empty"):
        tool_readers()[tool].read(raw, Execution(tool=tool, execution=1))


@pytest.mark.parametrize("tool", sorted(tool_readers()))
@settings(max_examples=200, deadline=None)
@given(raw=st.text())
def test_any_text_gives_numbers_or_unreadable(tool: str, raw: str) -> None:
    with pytest.raises(Unreadable):
        tool_readers()[tool].read(raw, Execution(tool=tool, execution=1))


@each_sample
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_damage_to_a_real_output_gives_finite_numbers_or_unreadable(sample: Sample, data: st.DataObject) -> None:
    lines = sample.raw.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at] = data.draw(
            st.one_of(
                st.sampled_from(lines),
                st.text(max_size=60).map(lambda text: text + "\n"),
                st.sampled_from(["nan", "inf", "-1", "0", "1e999", "9" * 400, "٣", "1_0"]).map(
                    lambda number, line=lines[at]: re.sub(r"\d[\d.e+-]*", number, line)
                ),
            )
        )
    try:
        found = _read(sample, "".join(lines))
    except Unreadable:
        return
    assert all(math.isfinite(number.value) and number.value > 0 for number in found)


def test_stream_gives_every_pass_and_the_best_without_the_first() -> None:
    sample = OURS[0]
    rows = [line.split() for line in sample.raw.splitlines() if line.startswith("pass ")]
    size = int(re.search(r"^array_bytes (\d+)$", sample.raw, re.MULTILINE)[1])
    found = _read(sample, sample.raw)
    for column, (metric, arrays) in enumerate(
        [("copy_bandwidth", 2), ("scale_bandwidth", 2), ("add_bandwidth", 3), ("triad_bandwidth", 3)], 2
    ):
        rates = [arrays * size / float(row[column]) / 1e9 for row in rows]
        passes = [number for number in found if number.metric == metric and number.iteration is not None]
        assert [number.iteration for number in passes] == list(range(len(rows)))
        assert [number.value for number in passes] == pytest.approx(rates)
        assert _values(found)[metric] == pytest.approx(max(rates[1:]))
    assert {number.problem_size for number in found} == {size}


def test_lapack_gives_gflops_of_the_operations_and_the_time() -> None:
    sample = next(one for one in OURS if one.path == "lapack_dgetrf/all.txt")
    order = int(re.search(r"^order (\d+)$", sample.raw, re.MULTILINE)[1])
    seconds = float(re.search(r"^seconds (\S+)$", sample.raw, re.MULTILINE)[1])
    found = _read(sample, sample.raw)
    assert _values(found) == {"gflops": pytest.approx((2 / 3 * order**3 + 2 * order**2) / seconds / 1e9)}
    assert [number.value for number in found if number.metric == "solve_time"] == [seconds]


def test_latency_gives_every_repetition_and_the_median_of_the_working_set_of_each_level() -> None:
    sample = next(one for one in OURS if one.tool == "assay-latency")
    rows = [line.split() for line in sample.raw.splitlines() if line.startswith("chase ")]
    found = _read(sample, sample.raw)
    passes = [number for number in found if number.metric == "latency"]
    assert [number.iteration for number in passes] == list(range(len(rows)))
    assert [number.problem_size for number in passes] == [int(row[1]) for row in rows]
    for level, size in re.findall(r"^level (\w+) (\d+)$", sample.raw, re.MULTILINE):
        repetitions = [float(row[4]) / int(row[3]) * 1e9 for row in rows if row[1] == size]
        assert _values(found)[f"{level}_latency"] == pytest.approx(median(repetitions))
    assert list(_values(found)) == ["l1_latency", "l2_latency", "l3_latency", "dram_latency"]


def test_core_clock_gives_the_mean_of_the_threads_and_the_median_of_the_repetitions() -> None:
    sample = next(one for one in OURS if one.path == "assay_core_clock/all.txt")
    rows = [line.split() for line in sample.raw.splitlines() if line.startswith("clock ")]
    clocks: dict[str, list[float]] = {}
    for _, repetition, _, additions, seconds in rows:
        clocks.setdefault(repetition, []).append(int(additions) / float(seconds) / 1e9)
    means = [sum(each) / len(each) for each in clocks.values()]
    assert _values(_read(sample, sample.raw)) == {"sustained_clock": pytest.approx(median(means))}


def test_vectors_give_the_median_bandwidth_of_each_kernel() -> None:
    sample = next(one for one in OURS if one.path == "assay_vectors/one.txt")
    elements = int(re.search(r"^elements (\d+)$", sample.raw, re.MULTILINE)[1])  # type: ignore[index]
    rates: dict[str, list[float]] = {}
    for _, _, kernel, passes, seconds in (line.split() for line in sample.raw.splitlines() if line.startswith("time ")):
        rates.setdefault(f"{kernel}_bandwidth", []).append(24 * elements * int(passes) / float(seconds) / 1e9)
    values = _values(_read(sample, sample.raw))
    assert values == {metric: pytest.approx(median(each)) for metric, each in rates.items()}
    assert values["vector_bandwidth"] > values["scalar_bandwidth"]


def test_cache_bandwidth_gives_the_median_of_each_level() -> None:
    sample = next(one for one in OURS if one.tool == "assay-cache-bandwidth")
    elements = {level: int(size) for level, size in re.findall(r"^level (\w+) (\d+)$", sample.raw, re.MULTILINE)}
    rates: dict[str, list[float]] = {}
    for _, level, _, passes, seconds in (line.split() for line in sample.raw.splitlines() if line.startswith("time ")):
        rates.setdefault(f"{level}_bandwidth", []).append(24 * elements[level] * int(passes) / float(seconds) / 1e9)
    values = _values(_read(sample, sample.raw))
    assert values == {metric: pytest.approx(median(each)) for metric, each in rates.items()}
    assert values["l1_bandwidth"] > values["l2_bandwidth"] > values["l3_bandwidth"]


def test_dgemm_gives_the_median_by_vector_width_and_names_the_widest() -> None:
    sample = next(one for one in OURS if one.tool == "assay-dgemm")
    order = int(re.search(r"^order (\d+)$", sample.raw, re.MULTILINE)[1])  # type: ignore[index]
    rates: dict[str, list[float]] = {}
    for _, label, _, seconds in (line.split() for line in sample.raw.splitlines() if line.startswith("time ")):
        rates.setdefault(f"{label}_gflops", []).append(2 * order**3 / float(seconds) / 1e9)
    values = _values(_read(sample, sample.raw))
    wanted = {metric: pytest.approx(median(each)) for metric, each in rates.items()}
    assert values == {**wanted, "widest_gflops": wanted["avx512_gflops"]}
    assert values["avx512_gflops"] > values["avx2_gflops"] > values["narrow_gflops"]


def test_numa_gives_local_memory_of_one_node_and_remote_memory_of_another() -> None:
    sample = next(one for one in OURS if one.tool == "assay-numa")
    elements = int(re.search(r"^elements (\d+)$", sample.raw, re.MULTILINE)[1])  # type: ignore[index]
    passes = [float(line.split()[3]) for line in sample.raw.splitlines() if line.startswith("triad ")]
    loads = [line.split() for line in sample.raw.splitlines() if line.startswith("chase ")]
    local = {
        "local_bandwidth": pytest.approx(24 * elements / min(passes[1:]) / 1e9),
        "local_latency": pytest.approx(median(float(words[4]) / int(words[3]) * 1e9 for words in loads)),
    }
    assert _values(_read(sample, sample.raw)) == local, "one node: what is remote is absent, not zero"
    two = _values(_read(sample, _two_nodes(sample.raw)))
    assert set(two) == {*local, "remote_bandwidth", "remote_latency"}
    assert two["remote_bandwidth"] == pytest.approx(two["local_bandwidth"] / 2)
    assert two["remote_latency"] == pytest.approx(2 * two["local_latency"])


@pytest.mark.parametrize(
    ("found", "instead"),
    [("remote 1 pages 64 on_node 64", "remote 1 pages 64 on_node 40"), ("remote 1 pages", "remote 0 pages")],
)
def test_numa_memory_that_lies_elsewhere_than_it_was_bound_is_unreadable(found: str, instead: str) -> None:
    sample = next(one for one in OURS if one.tool == "assay-numa")
    with pytest.raises(Unreadable, match=r"line \d+"):
        _read(sample, _checked(_two_nodes(sample.raw).replace(found, instead)))


def _two_nodes(raw: str) -> str:
    """A report of two nodes, made of a real one of a single node: the other one takes twice as long."""
    lines = raw.splitlines()[:-1]
    place = next(number for number, line in enumerate(lines) if line.startswith("place "))
    doubled = [re.sub(r"\d+\.\d+$", lambda at: f"{2 * float(at[0]):.9f}", line) for line in lines[place:]]
    remote = [line.replace(" local 0 pages", " remote 1 pages").replace(" local ", " remote ") for line in doubled]
    return _checked("".join(f"{line}\n" for line in [*lines, *remote, "end"]))


def _checked(raw: str) -> str:
    """The report with the last line that belongs to it."""
    body = raw[: raw.rindex("end")]
    return f"{body}end assay-numa lines {body.count(chr(10))} crc32 {zlib.crc32(body.encode()):08x}\n"


def test_hpcc_gives_its_hpl_and_its_stream_only_over_arrays_larger_than_the_caches() -> None:
    large = next(one for one in SAMPLES if one.path == "hpcc/two-processes.hpccoutf.txt")
    summary = dict(re.findall(r"^(\w+)=(.*)$", large.raw, re.MULTILINE))
    values = _values(_read(large, large.raw))
    assert values["gflops"] == pytest.approx(1000 * float(summary["HPL_Tflops"]))
    assert values["triad_bandwidth"] == pytest.approx(2 * float(summary["StarSTREAM_Triad"]))
    small = next(one for one in SAMPLES if one.path == "hpcc/one-process.hpccoutf.txt")
    assert set(_values(_read(small, small.raw))) == {"gflops"}


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("Success=1", "Success=0"),
        (" PASSED\n=====", " FAILED\n====="),
        ("Solution Validates", "Failed Validation"),
        ("HPL_Tflops=", "HPL_Gflops="),
        ("HPL_time=", "HPL_time=-"),
    ],
)
def test_hpcc_without_success_residual_validation_or_result_is_unreadable(found: str, instead: str) -> None:
    sample = next(one for one in SAMPLES if one.tool == "hpcc")
    assert found in sample.raw
    with pytest.raises(Unreadable):
        _read(sample, sample.raw.replace(found, instead))


def test_stress_ng_gives_the_latency_of_the_level_that_the_execution_names() -> None:
    sample = next(one for one in SAMPLES if one.path == "stress_ng/ptr-chase-l2.txt")
    stated = float(re.search(r"([\d.]+) nanosec per pointer", sample.raw)[1])
    assert _values(_read(sample, sample.raw)) == {"l2_latency": stated}


@pytest.mark.parametrize(
    ("found", "instead"), [("failed: 0", "failed: 1"), ("untrustworthy: 0", "untrustworthy: 1"), ("1 ptr-chase", "2 ptr-chase")]
)
def test_stress_ng_that_failed_or_does_not_trust_its_figure_is_unreadable(found: str, instead: str) -> None:
    sample = next(one for one in SAMPLES if one.path == "stress_ng/ptr-chase-l2.txt")
    assert found in sample.raw
    with pytest.raises(Unreadable, match=r"line \d+"):
        _read(sample, sample.raw.replace(found, instead))


def test_stress_ng_with_another_stressor_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="ptr-chase"):
        tool_readers()["stress-ng"].read((DATA / "stress_ng/cpu.txt").read_text(), SAMPLES[-1].context)
