"""1.0.0 -> 1.1.0 and back: any valid document of the older form becomes a valid one of the newer, and nothing is lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from any_document import documents
from assay.dataset.migrations.backward import downgrade
from assay.dataset.migrations.forward import upgrade
from assay.dataset.models import v1_0_0
from assay.dataset.schema import schemas
from assay.dataset.validate import faults_of
from assay.errors import SchemaMismatch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

NAMES = sorted(v1_0_0.DOCUMENTS)
ONE_EACH = sorted({schema: name for name, (schema, _) in v1_0_0.DOCUMENTS.items()}.values())
QUICK = settings(
    max_examples=15,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # to shrink a whole document takes minutes
    suppress_health_check=list(HealthCheck),
)


def quantity(value: float, unit: str = "GB/s", **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": unit, **more}


def counted(value: float, n: int = 6) -> dict[str, Any]:
    return quantity(value, confidence_interval=[value * 0.99, value * 1.01], sample_size=n, coefficient_variation=1.2)


def machine(family: str, architecture: str) -> dict[str, Any]:
    return {"instance_family": family, "architecture": architecture, "generation": 7, "memory_type": "DDR5", "numa_nodes": 1}


def older_memory() -> dict[str, Any]:
    """A memory document as it was published under 1.0.0: one type with intervals, one without, one half."""
    return {
        "schema_version": "1.0.0",
        "last_updated": "2024-06-29T18:00:00Z",
        "total_instances": 3,
        "architectures": ["graviton", "intel"],
        "benchmarks": {
            "stream": {
                "m7i.large": {
                    "triad_bandwidth": counted(47.9),
                    "copy_bandwidth": counted(51.2),
                    "scale_bandwidth": quantity(48.8),
                    "metadata": machine("m7i", "intel"),
                },
                "c7g.large": {
                    "triad_bandwidth": quantity(55.1),
                    "copy_bandwidth": quantity(58.0),
                    "metadata": machine("c7g", "graviton"),
                    "operator_note": "first run",
                },
                "r7i.large": {
                    "triad_bandwidth": counted(49.0, n=2),
                    "copy_bandwidth": counted(50.0, n=2),
                    "metadata": machine("r7i", "intel"),
                },
            },
            "stream_cache": {"m7i.large": {"l1_bandwidth": quantity(310.0), "cache_hierarchy_efficiency": 0.94}},
        },
        "rankings": {
            "triad_bandwidth": [
                {"instance": "c7g.large", "value": 55.1, "rank": 1},
                {"instance": "r7i.large", "value": 49.0, "rank": 2},
                {"instance": "m7i.large", "value": 47.9, "rank": 3},
            ]
        },
    }


def test_types_without_interval_and_sample_size_move_under_provisional() -> None:
    newer = upgrade("memory-benchmarks.json", older_memory())
    assert faults_of("memory-benchmarks.json", newer) == []
    assert set(newer["benchmarks"]["stream"]) == {"m7i.large"}
    assert set(newer["provisional"]["stream"]) == {"c7g.large", "r7i.large", "m7i.large"}
    assert newer["provisional"]["stream"]["c7g.large"]["triad_bandwidth"] == {**quantity(55.1), "migrated_from": "1.0.0"}
    assert newer["provisional"]["stream"]["c7g.large"]["operator_note"] == "first run"


def test_a_quantity_without_interval_moves_alone_and_the_type_stays() -> None:
    newer = upgrade("memory-benchmarks.json", older_memory())
    stays = newer["benchmarks"]["stream"]["m7i.large"]
    assert stays["triad_bandwidth"] == {**counted(47.9), "migrated_from": "1.0.0"}
    assert "scale_bandwidth" not in stays
    assert newer["provisional"]["stream"]["m7i.large"]["scale_bandwidth"]["value"] == 48.8


def test_what_moved_is_in_no_ranking_and_the_old_ranking_is_kept() -> None:
    older = older_memory()
    newer = upgrade("memory-benchmarks.json", older)
    assert newer["rankings"] == {"triad_bandwidth": [{"instance": "m7i.large", "value": 47.9, "rank": 1}]}
    assert newer["migration"]["kept"]["/rankings/triad_bandwidth"] == older["rankings"]["triad_bandwidth"]


def test_nothing_is_made_up() -> None:
    newer = upgrade("memory-benchmarks.json", older_memory())
    moved = newer["provisional"]["stream"]["c7g.large"]
    assert not {"sample_size", "sessions", "sources", "implementation"} & moved["triad_bandwidth"].keys()
    assert "sources" not in moved
    assert newer["configurations"] == newer["variants"] == {}
    assert set(newer["migration"]["added"]) == {"/configurations", "/variants"}


def test_a_ratio_that_has_no_place_under_provisional_is_kept_by_its_old_pointer() -> None:
    newer = upgrade("memory-benchmarks.json", older_memory())
    assert newer["migration"]["kept"]["/benchmarks/stream_cache/m7i.large/cache_hierarchy_efficiency"] == 0.94


def test_the_way_back_gives_the_older_document() -> None:
    assert downgrade("memory-benchmarks.json", upgrade("memory-benchmarks.json", older_memory())) == older_memory()


def test_a_field_of_the_older_document_may_have_the_names_that_the_migration_uses() -> None:
    older = older_memory() | {"provisional": {"migrated_from": -2, "kept": False}}
    newer = upgrade("memory-benchmarks.json", older)
    assert faults_of("memory-benchmarks.json", newer) == []
    assert downgrade("memory-benchmarks.json", newer) == older


def test_the_document_that_was_given_stays_as_it_was() -> None:
    older = older_memory()
    newer = upgrade("memory-benchmarks.json", older)
    assert older == older_memory()
    again = copy.deepcopy(newer)
    downgrade("memory-benchmarks.json", newer)
    assert newer == again


def test_cpu_and_microarchitecture_without_metadata_migrate() -> None:
    cpu = {
        "schema_version": "1.0.0",
        "last_updated": "2024-06-29T18:00:00Z",
        "benchmarks": {
            "hpl": {
                "m7i.large": {
                    "gflops": {**counted(42.3), "unit": "GFLOPS", "theoretical_peak": 89.6, "efficiency_percent": 47.2},
                    "single_thread_gflops": quantity(5.2, "GFLOPS"),
                    "vectorization_speedup": 3.8,
                }
            },
            "hpl_mkl": {"m7i.large": {"gflops": quantity(68.0, "GFLOPS"), "mkl_speedup": 1.6, "library_efficiency": 0.76}},
        },
    }
    newer = upgrade("cpu-benchmarks.json", cpu)
    assert newer["benchmarks"]["hpl"]["m7i.large"]["vectorization_speedup"] == 3.8
    assert newer["provisional"]["hpl"]["m7i.large"]["single_thread_gflops"]["value"] == 5.2
    assert newer["provisional"]["hpl_mkl"]["m7i.large"]["mkl_speedup"] == 1.6
    assert newer["total_instances"] == 1
    assert downgrade("cpu-benchmarks.json", newer) == cpu
    microarch = {
        "schema_version": "1.0.0",
        "microarchitecture": {"intel": {"cache_analysis": {"m7i.large": {"l1_latency": quantity(4.9, "cycles")}}}},
        "intel": {"m7i.large": {"vectorization_ratio": 1.86}},
    }
    newer = upgrade("microarch-benchmarks.json", microarch)
    assert newer["provisional"]["intel"]["cache_analysis"]["m7i.large"]["l1_latency"]["unit"] == "cycles"
    assert newer["intel"] == microarch["intel"]
    assert newer["amd"] == {}
    assert downgrade("microarch-benchmarks.json", newer) == microarch


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_every_older_document_migrates_and_comes_back(name: str) -> None:
    older = schemas("1.0.0")[v1_0_0.DOCUMENTS[name][0]]["examples"][0]
    newer = upgrade(name, older)
    assert faults_of(name, newer) == []
    assert downgrade(name, newer) == older


@pytest.mark.parametrize("name", ONE_EACH)
@QUICK
@given(data=st.data())
def test_any_valid_older_document_migrates_to_a_valid_newer_one_and_nothing_is_lost(name: str, data: st.DataObject) -> None:
    older = data.draw(documents(schemas("1.0.0")[v1_0_0.DOCUMENTS[name][0]]))
    assert faults_of(name, older, "1.0.0") == []
    newer = upgrade(name, older)
    assert faults_of(name, newer) == []
    assert downgrade(name, newer) == older


def test_a_document_that_is_not_valid_is_refused_with_file_field_found_and_expected() -> None:
    older = older_memory()
    older["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]["unit"] = "MB/s"
    with pytest.raises(SchemaMismatch) as caught:
        upgrade("memory-benchmarks.json", older)
    for part in ("memory-benchmarks.json", "/benchmarks/stream/m7i.large/triad_bandwidth/unit", "'MB/s'", "GB/s", "1.0.0"):
        assert part in str(caught.value)


def test_what_assay_builds_has_a_view_for_clients_of_the_older_form(decoded: dict[str, Any]) -> None:
    for name in NAMES:
        if name in decoded:
            view = downgrade(name, decoded[name])
            assert faults_of(name, view, "1.0.0") == []
    view = downgrade("memory-benchmarks.json", decoded["memory-benchmarks.json"])
    assert "c7a.large" not in view["benchmarks"]["stream"]
    assert view["benchmarks"]["stream"]["m7i.large"] == decoded["memory-benchmarks.json"]["benchmarks"]["stream"]["m7i.large"]
