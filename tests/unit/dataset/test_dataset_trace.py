"""The way from any published value back to raw bytes, over nothing but the published documents."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from assay.dataset.trace import measured_values, trace, trace_steps
from assay.errors import AssayError
from dataset_content import make_content, session_name

MEMORY = "memory-benchmarks.json"


def test_every_value_leads_to_the_raw_files_of_its_sessions(decoded: dict[str, Any]) -> None:
    raw = make_content().raw_files.groupby("session")["sha256"].agg(set).to_dict()
    walked = 0
    for document in decoded:
        for keys in measured_values(decoded[document]):
            steps = trace_steps(decoded, document, keys)
            reached: dict[str, set[str]] = {}
            for step in steps:
                if step["step"] == "raw_file":
                    reached.setdefault(step["session"], set()).add(step["sha256"])
            assert reached, f"{document} {keys}"
            assert all(reached[session] == raw[session] for session in reached)
            walked += 1
    assert walked > 1500


def test_a_value_names_exactly_the_sessions_that_it_was_measured_in(built: dict[str, bytes]) -> None:
    steps = trace(built, MEMORY, "benchmarks.stream.m7i.large.triad_bandwidth.value")
    sessions = [step["session"] for step in steps if step["step"] == "session"]
    assert sessions == [session_name("m7i.large", number) for number in range(3)]


@pytest.mark.parametrize(
    "path",
    [
        "benchmarks.stream.m7i.large.triad_bandwidth",
        "/benchmarks/stream/m7i.large/triad_bandwidth",
        "benchmarks.stream.m7i.large.triad_bandwidth.confidence_interval[1]",
        "/benchmarks/stream/m7i.large/triad_bandwidth/confidence_interval/1",
    ],
)
def test_a_path_may_be_dotted_or_a_pointer(built: dict[str, bytes], path: str) -> None:
    assert trace(built, MEMORY, path)[-1]["step"] == "raw_file"


def test_a_rank_leads_to_the_value_that_it_ranks(built: dict[str, bytes], decoded: dict[str, Any]) -> None:
    first = decoded[MEMORY]["rankings"]["triad_bandwidth"][0]["instance"]
    steps = trace(built, MEMORY, "rankings.triad_bandwidth[0].value")
    assert steps[1]["path"] == f"/benchmarks/stream/{first}/triad_bandwidth"


def test_the_ranks_of_a_variant_lead_to_the_variant(built: dict[str, bytes], decoded: dict[str, Any]) -> None:
    name = next(name for name in decoded["instance-rankings.json"]["rankings"] if name.startswith("triad_bandwidth@hpcc"))
    steps = trace(built, "instance-rankings.json", f"/rankings/{name}/ranks/0/value")
    assert steps[1]["path"].startswith("/variants/stream/hpcc-stream")


@pytest.mark.parametrize(
    ("document", "path", "said"),
    [
        ("nothing.json", "a", "no such document"),
        (MEMORY, "benchmarks.stream.m9.large", "m7i.large"),
        (MEMORY, "total_instances", "does not come from measurements"),
        (MEMORY, "rankings.triad_bandwidth", "rank"),
        (MEMORY, "rankings.triad_bandwidth[99]", "nothing at"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_there(built: dict[str, bytes], document: str, path: str, said: str) -> None:
    with pytest.raises(AssayError, match=said):
        trace(built, document, path)


def test_a_source_that_the_manifest_does_not_list_is_an_error(built: dict[str, bytes]) -> None:
    manifest = orjson.loads(built["manifest.json"])
    manifest["sessions"] = []
    with pytest.raises(AssayError, match="is not listed"):
        trace({**built, "manifest.json": orjson.dumps(manifest)}, MEMORY, "benchmarks.stream.m7i.large.triad_bandwidth")
