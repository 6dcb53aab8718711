"""JSON that PostgreSQL takes."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
from assay.database.copy import to_json
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=[])), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_any_value_becomes_json_without_nan_nul_or_half_surrogates(value: object) -> None:
    written = to_json(value)
    written.encode("utf-8")
    assert "\x00" not in written
    assert "\\u0000" not in written.replace("\\\\", "")
    json.loads(written, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(name)))


@given(st.dictionaries(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), st.floats(allow_nan=False)))
def test_any_plain_mapping_comes_back_as_it_was(value: dict[str, float]) -> None:
    expected = {key: None if math.isinf(number) else number for key, number in value.items()}
    assert json.loads(to_json(value)) == expected


def test_numpy_and_pandas_values_are_plain_json() -> None:
    value = {"i": np.int64(3), "f": np.float32(0.5), "nan": np.nan, "na": pd.NA, "array": np.array([1, 2]), "b": np.bool_(True)}
    assert json.loads(to_json(value)) == {"i": 3, "f": 0.5, "nan": None, "na": None, "array": [1, 2], "b": True}
