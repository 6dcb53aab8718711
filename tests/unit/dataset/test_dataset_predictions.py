"""predictions.json: estimates that say they are, from one ranking key, with their errors, and refusals with their reasons."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from assay.dataset.build import build_documents
from assay.dataset.trace import measured_values, trace
from assay.dataset.validate import validate_documents
from assay.errors import AssayError
from assay.reference import catalogue
from dataset_content import Series, make_content, simple

SIZES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}


def family(name: str, sizes: dict[str, int], **options: Any) -> list[Series]:
    return [simple(f"{name}.{size}", "hpl", "gflops", "GFLOPS", 20.0 * vcpus, **options) for size, vcpus in sizes.items()]


def documents(series: list[Series]) -> tuple[dict[str, bytes], dict[str, Any]]:
    built = build_documents(make_content(series))
    validate_documents(built)
    return built, {name: orjson.loads(raw) for name, raw in built.items() if name.endswith(".json")}


def test_the_sizes_of_a_family_that_were_not_measured_are_estimated() -> None:
    document = documents(family("m7i", SIZES))[1]["predictions.json"]
    law = document["estimates"]["m7i"]["gflops"]
    assert document["estimated"] is True
    assert law["exponent"] == pytest.approx(1.0)
    assert set(law["instances"]) == {"m7i.12xlarge", "m7i.16xlarge"}, "twice 32 vCPUs is as far as it goes"
    estimate = law["instances"]["m7i.12xlarge"]
    assert estimate["estimate"] == pytest.approx(960.0)
    assert estimate["vcpus"] == 48
    low, high = estimate["prediction_interval"]
    assert low <= estimate["estimate"] <= high
    assert [row["instance"] for row in law["based_on"]] == [f"m7i.{size}" for size in SIZES]
    (refusal,) = document["refused"]["m7i"]
    assert refusal["reason"] == "more than 2 times beyond the measured sizes, which are 2 to 32 vCPUs"
    assert refusal["instances"] == ["m7i.24xlarge", "m7i.48xlarge", "m7i.metal-24xl", "m7i.metal-48xl"]


def test_no_other_document_knows_of_an_estimate() -> None:
    built, found = documents(family("m7i", SIZES))
    others = {name: raw for name, raw in built.items() if name not in ("predictions.json", "manifest.json")}
    assert b"m7i.12xlarge" in built["predictions.json"]
    assert [name for name, raw in others.items() if b"m7i.12xlarge" in raw] == []
    assert list(measured_values(found["predictions.json"])) == []
    with pytest.raises(AssayError, match="does not come from measurements"):
        trace(built, "predictions.json", "/estimates/m7i/gflops/instances/m7i.12xlarge/estimate")


def test_too_few_sizes_burstable_and_lawless_families_are_refused_with_the_reason() -> None:
    wild = [
        simple(f"c7g.{size}", "hpl", "gflops", "GFLOPS", level) for size, level in zip(SIZES, (1, 90, 2, 300, 5), strict=True)
    ]
    burst = [
        simple(f"t3.{size}", "hpl", "gflops", "GFLOPS", 20.0)
        for size in ("nano", "micro", "small", "medium", "xlarge", "2xlarge")
    ]
    document = documents([*family("m7i", {"large": 2, "xlarge": 4, "2xlarge": 8}), *wild, *burst])[1]["predictions.json"]
    assert document["estimates"] == {}
    reasons = {name: rows[0]["reason"] for name, rows in document["refused"].items()}
    assert reasons["m7i"] == "3 measured sizes; at least 4 are needed"
    assert reasons["t3"].startswith("burstable")
    assert "missed by" in reasons["c7g"]
    assert document["refused"]["m7i"][0]["metrics"] == ["gflops"]


def test_values_of_different_keys_are_never_put_together() -> None:
    two = {"large": 2, "xlarge": 4}
    rest = {"2xlarge": 8, "4xlarge": 16}
    series = [*family("m7i", two), *family("m7i", rest, implementation="another")]
    document = documents(series)[1]["predictions.json"]
    assert document["estimates"] == {}
    assert {row["reason"] for row in document["refused"]["m7i"]} == {"2 measured sizes; at least 4 are needed"}


def test_provisional_values_count_and_are_not_estimated_over() -> None:
    document = documents([*family("m7i", SIZES, sessions=3), *family("m7i", {"12xlarge": 48}, sessions=1)])[1]["predictions.json"]
    law = document["estimates"]["m7i"]["gflops"]
    assert "m7i.12xlarge" not in law["instances"]
    assert "m7i.12xlarge" in [row["instance"] for row in law["based_on"]]


def test_a_family_that_is_measured_whole_has_nothing_to_estimate() -> None:
    sizes = {
        name.partition(".")[2]: known.vcpus
        for name in catalogue.names()
        if (known := catalogue.lookup(name)) and name[:4] == "c7g."
    }
    document = documents(family("c7g", sizes))[1]["predictions.json"]
    assert (document["estimates"], document["refused"]) == ({}, {})


def test_without_any_type_of_the_catalogue_it_is_empty_and_valid() -> None:
    document = documents([simple("host-1a2b3c4d", "hpl", "gflops", "GFLOPS", 50.0)])[1]["predictions.json"]
    assert (document["estimates"], document["refused"]) == ({}, {})


def test_the_order_of_the_rows_changes_no_byte() -> None:
    series = family("m7i", SIZES)
    assert (
        build_documents(make_content(series))["predictions.json"]
        == build_documents(make_content(series[::-1]))["predictions.json"]
    )
