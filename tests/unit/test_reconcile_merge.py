"""Two sorted streams side by side: any two sets of keys, and never more than one item of each in hand."""

from __future__ import annotations

from itertools import count, islice

import pytest
from assay.database.expected import Expected, Standing
from assay.errors import StorageError
from assay.reconcile.merge import side_by_side
from assay.storage import StoredObject
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.sets(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4))


def expected(key: str) -> Expected:
    return Expected(key, 1, None, "s", "raw file", Standing.NEEDED)


@given(KEYS, KEYS)
def test_any_two_sets_of_keys_are_told_apart(ours: set[str], theirs: set[str]) -> None:
    by_bytes = [sorted(keys, key=str.encode) for keys in (ours, theirs)]
    pairs = list(side_by_side(map(expected, by_bytes[0]), (StoredObject(key, 1) for key in by_bytes[1])))
    assert {row.key for row, stored in pairs if row and stored} == ours & theirs
    assert {row.key for row, stored in pairs if row and not stored} == ours - theirs
    assert {stored.key for row, stored in pairs if stored and not row} == theirs - ours
    assert len(pairs) == len(ours | theirs)


def test_streams_without_end_are_walked_all_the_same() -> None:
    evens = (expected(f"{n:09}") for n in count(0, 2))
    thirds = (StoredObject(f"{n:09}", 1) for n in count(0, 3))
    first = [(row is not None, stored is not None) for row, stored in islice(side_by_side(evens, thirds), 5)]
    assert first == [(True, True), (True, False), (False, True), (True, False), (True, True)]


def test_a_store_that_lists_in_no_order_is_refused() -> None:
    with pytest.raises(StorageError, match="the store lists 'a' after 'b'"):
        list(side_by_side([], [StoredObject("b", 1), StoredObject("a", 1)]))
