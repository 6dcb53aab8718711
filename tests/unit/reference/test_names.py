"""What the name of an instance type says."""

from __future__ import annotations

import pytest
from assay.reference.names import is_instance_type, parse_family, parse_type
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "family", "size", "series", "generation", "processor"),
    [
        ("m7i.large", "m7i", "large", "m", 7, "intel"),
        ("c7i-flex.2xlarge", "c7i-flex", "2xlarge", "c", 7, "intel"),
        ("c6g.medium", "c6g", "medium", "c", 6, "graviton"),
        ("t3a.small", "t3a", "small", "t", 3, "amd"),
        ("m5.24xlarge", "m5", "24xlarge", "m", 5, None),
        ("u-6tb1.56xlarge", "u-6tb1", "56xlarge", "u", 1, None),
        ("u7i-12tb.224xlarge", "u7i-12tb", "224xlarge", "u", 7, "intel"),
        ("hpc7g.4xlarge", "hpc7g", "4xlarge", "hpc", 7, "graviton"),
        ("mac2-m2.metal", "mac2-m2", "metal", "mac", 2, None),
        ("mac-m4.metal", "mac-m4", "metal", "mac", None, None),
        ("p6-b200.48xlarge", "p6-b200", "48xlarge", "p", 6, None),
        ("i7ie.metal-24xl", "i7ie", "metal-24xl", "i", 7, "intel"),
    ],
)
def test_the_parts_of_a_name(
    name: str, family: str, size: str, series: str, generation: int | None, processor: str | None
) -> None:
    parsed = parse_type(name)
    assert (parsed.family, parsed.size, parsed.series, parsed.generation, parsed.processor) == (
        family,
        size,
        series,
        generation,
        processor,
    )


@pytest.mark.parametrize("name", ["", "m7i", "m7i.", ".large", "M7i.large", "m7i.large/..", "m7i..large", "m" * 70 + ".large"])
def test_what_is_no_name_is_refused_with_what_was_found(name: str) -> None:
    assert not is_instance_type(name)
    with pytest.raises(ValueError, match="no instance type"):
        parse_type(name)


def test_the_letter_g_in_large_names_no_processor() -> None:
    assert parse_type("m5.large").processor is None


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    parse_family(text)
    if is_instance_type(text):
        assert f"{parse_type(text).family}.{parse_type(text).size}" == text
