"""The instance catalogue: facts, each with its source; what is not known stays absent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from assay.reference import catalogue, generate
from assay.reference.names import parse_family
from assay.reference.processors import PROCESSORS, by_family


def test_a_known_type_has_its_facts() -> None:
    known = catalogue.lookup("m7i.large")
    assert known is not None
    assert (known.instance_family, known.generation, known.architecture) == ("m7i", 7, "intel")
    assert (known.vcpus, known.cores, known.threads_per_core, known.memory_bytes) == (2, 1, 2, 8 * 2**30)
    assert known.isa == ("x86_64",)
    assert known.memory_type == "DDR5"
    assert not known.burstable
    assert not known.bare_metal


@pytest.mark.parametrize(
    ("name", "architecture"), [("c7g.large", "graviton"), ("t3a.large", "amd"), ("t3.large", "intel"), ("mac2.metal", "other")]
)
def test_the_architecture_is_that_of_the_processors_maker(name: str, architecture: str) -> None:
    known = catalogue.lookup(name)
    assert known is not None
    assert known.architecture == architecture


def test_an_unknown_type_has_no_facts() -> None:
    assert catalogue.lookup("m99i.large") is None
    assert catalogue.facts("m99i.large") == {}


def test_what_is_not_known_of_a_known_type_is_absent() -> None:
    facts = catalogue.facts("m1.medium")
    assert facts["instance_family"] == "m1"
    assert not {"processor", "memory_type", "sustained_clock_ghz"} & set(facts)


def test_where_a_name_tells_the_processor_the_facts_say_the_same() -> None:
    frame = catalogue.frame()
    told = frame["instance_family"].map(lambda family: parse_family(family)[2])
    named = frame[told.notna()]
    assert len(named) > 800
    assert (named["architecture"] == told[told.notna()]).all()


def test_a_family_has_one_architecture_and_one_row_in_the_table_of_processors() -> None:
    per_family = catalogue.frame().groupby("instance_family")["architecture"].nunique()
    assert (per_family == 1).all()
    assert max(Counter(family for processor in PROCESSORS for family in processor.families).values()) == 1


def test_the_table_of_processors_agrees_with_the_makers_in_the_catalogue() -> None:
    makers = {"Intel": "intel", "AMD": "amd", "AWS": "graviton"}
    frame = catalogue.frame().drop_duplicates("instance_family").set_index("instance_family")
    for family, processor in by_family().items():
        if family in frame.index:
            assert makers[processor.name.split()[0]] == frame.loc[family, "architecture"], family


def test_every_row_has_a_source_and_the_whole_a_date() -> None:
    source, as_of = catalogue.source()
    assert "DescribeInstanceTypes" in source
    assert as_of.count("-") == 2
    assert all(processor.source.startswith("https://") for processor in PROCESSORS)


def test_the_frame_joins_on_the_name_and_holds_every_type_once() -> None:
    frame = catalogue.frame()
    assert frame["instance_type"].is_unique
    assert frame["instance_type"].is_monotonic_increasing
    assert len(frame) > 1_300
    assert str(frame["generation"].dtype) == "Int64"


def test_the_committed_file_is_what_the_generator_writes() -> None:
    described, source = generate.described_by_moto()
    committed = catalogue.DATA_FILE.read_bytes()
    assert committed == generate.to_bytes(generate.rows(described), source, json.loads(committed)["as_of"])


def test_a_description_that_lacks_a_fact_that_every_type_has_is_not_written() -> None:
    with pytest.raises(KeyError, match="VCpuInfo"):
        generate.rows({"x1.large": {"ProcessorInfo": {"Manufacturer": "Intel", "SupportedArchitectures": []}}})


def test_nothing_but_the_emulated_aws_imports_moto() -> None:
    package = Path(catalogue.__file__).parents[1]
    importing = [path for path in package.rglob("*.py") if "import moto" in path.read_text() or "from moto" in path.read_text()]
    assert {path.parent.name for path in importing} == {"emulator"}
