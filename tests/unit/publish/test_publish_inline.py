"""How files are spread over requests to GitHub."""

from __future__ import annotations

import json

from assay.publish.inline import INLINE_FILE_BYTES, INLINE_TREE_BYTES, Packed, pack
from assay.publish.target import blob_id
from hypothesis import given, settings
from hypothesis import strategies as st

KNOWN = blob_id(b"known")


def sent(packed: Packed, write: dict[str, bytes]) -> dict[str, str]:
    """What the trees say in the end, if every id that is named has been sent before."""
    there = {KNOWN, *packed.blobs}
    tree: dict[str, str] = {}
    for entries in packed.trees:
        assert all(entry.inline or entry.blob in there for entry in entries)
        assert sum(len(json.dumps(write[entry.path].decode())) for entry in entries if entry.inline) <= INLINE_TREE_BYTES
        there |= {entry.blob for entry in entries}
        tree |= {entry.path: entry.blob for entry in entries}
    return tree


def test_a_small_change_is_one_tree_and_a_blob_for_each_table() -> None:
    write = {f"{folder}/{number}.json": b"%d" % number for folder in ("latest", "dated") for number in range(29)}
    write |= {f"{folder}/{name}.parquet": b"\0" + name.encode() for folder in ("latest", "dated") for name in ("m", "s")}
    packed = pack(write, {KNOWN})
    assert (len(packed.blobs), len(packed.trees)) == (2, 1)
    assert sent(packed, write) == {path: blob_id(data) for path, data in write.items()}


def test_what_the_repository_has_is_named_and_never_sent() -> None:
    packed = pack({"a": b"known", "b": b"known"}, {KNOWN})
    assert not packed.blobs
    assert [entry.inline for entry in packed.trees[0]] == [False, False]


def test_what_is_in_two_places_is_sent_once_where_it_does_not_fit_twice() -> None:
    write = {f"{folder}/{number}.json": b"%d" % number * 450_000 for folder in ("latest", "dated") for number in range(3, 6)}
    packed = pack(write, set())
    assert len(packed.trees) == 2
    assert sum(entry.inline for entries in packed.trees for entry in entries) == 3
    assert sent(packed, write) == {path: blob_id(data) for path, data in write.items()}


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.text("abc/", min_size=1, max_size=3), st.tuples(st.integers(0, 8), st.integers(1, 12)), max_size=12))
def test_any_files_are_sent_and_nothing_is_named_before_it_is_there(made: dict[str, tuple[int, int]]) -> None:
    write = {path: (b"\0" if kind == 8 else b"\n") * (100_000 * size) + b"%d" % kind for path, (kind, size) in made.items()}
    packed = pack(write, {KNOWN})
    assert all(b"\0" in write[path] or len(write[path]) > INLINE_FILE_BYTES for path in packed.blobs.values())
    assert sent(packed, write) == {path: blob_id(data) for path, data in write.items()}
